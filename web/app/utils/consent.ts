/**
 * The version of the consent text of the contact form (`public.contact.consent` in both languages); it is stored with
 * what was sent. Whoever changes the text changes the date.
 */
const CONSENT_TEXT = '2026-11-25'

/** Which text was read: version and language. */
export function consentVersion(locale: string): string {
  return `${CONSENT_TEXT}-${locale}`
}
