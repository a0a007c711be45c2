import { useMutation } from '@pinia/colada'
import { createInquiryMutation } from '~/api/@pinia/colada.gen'
import type { FormError } from '@nuxt/ui'

const LONGEST = { customer_name: 200, customer_email: 254, subject: 300, message: 20_000 } as const
const FIELDS = Object.keys(LONGEST) as (keyof typeof LONGEST)[]
const LONGEST_FILL_SECONDS = 604_800

/** What the contact form holds, what is wrong with it, and how it is sent. */
export function useContactForm() {
  const { t, n, te, locale } = useI18n()
  const { fieldErrors } = useProblems()
  const { draft, clear } = useContactDraft()
  const { keyFor, forgetKey } = useRetryKey('contact')
  const receipt = useReceipt()
  const website = ref('')
  const sending = useMutation(createInquiryMutation())

  draft.value.begun ||= Date.now()

  function check(): FormError[] {
    const wrong = FIELDS.flatMap((name) => {
      const length = [...draft.value[name].trim()].length
      if (!length) return [{ name, message: t(`public.contact.missing.${name}`) }]
      return length > LONGEST[name] ? [{ name, message: t('public.contact.tooLong', { over: n(length - LONGEST[name]) }, length - LONGEST[name]) }] : []
    })
    if (!wrong.some(({ name }) => name === 'customer_email') && !/^[^@\s]+@[^@\s]+$/.test(draft.value.customer_email.trim())) {
      wrong.push({ name: 'customer_email', message: t('field.email') })
    }
    return draft.value.consent ? wrong : [...wrong, { name: 'consent', message: t('public.contact.missing.consent') }]
  }

  /** The server's word on each field, as far as the form shows it. */
  function refused(error: unknown): FormError[] {
    return fieldErrors(error)
      .map(({ name = '', message }) => ({ name: name === 'consent_version' ? 'consent' : name, message }))
      .map(({ name, message }) => ({ name, message: te(`public.contact.wrong.${name}`) ? t(`public.contact.wrong.${name}`) : message }))
  }

  async function send() {
    const { customer_name, customer_email, subject, message } = draft.value
    const words = { customer_name: customer_name.trim(), customer_email: customer_email.trim(), subject: subject.trim(), message: message.trim() }
    const seconds = (Date.now() - draft.value.begun) / 1000
    const sent = await sending.mutateAsync({
      body: {
        ...words,
        consent_version: consentVersion(locale.value),
        website: website.value.slice(0, 300),
        fill_seconds: Math.min(Math.max(seconds, 0), LONGEST_FILL_SECONDS)
      },
      headers: { 'Idempotency-Key': keyFor(words) }
    })
    receipt.value = { id: sent.id, reference: sent.reference, token: sent.tracking_token }
    clear()
    forgetKey()
  }

  return { draft, website, check, refused, send, busy: sending.isLoading, fields: FIELDS, longestMessage: LONGEST.message }
}
