const EMPTY = { customer_name: '', customer_email: '', subject: '', message: '', consent: false, begun: 0 }

/** What somebody is writing in the contact form; it survives a reload, but not the tab. */
export function useContactDraft() {
  const draft = useSessionStorage('pok-contact', { ...EMPTY }, { mergeDefaults: true })
  return { draft, clear: () => (draft.value = { ...EMPTY }) }
}
