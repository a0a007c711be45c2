export type Typed = {
  kind: 'reply' | 'note'
  text: string
  /** The draft that it was made from. */
  draft: number | null
  /** The newest message and draft that were there when the typing began. */
  known: { message: number, draft: number } | null
}

/** What somebody has typed for one inquiry; it survives reloads, other screens and refused requests. */
export function useTyped(inquiryId: string) {
  const key = `pok-typed-${inquiryId}`
  const typed = useLocalStorage<Typed>(key, { kind: 'reply', text: '', draft: null, known: null }, { mergeDefaults: true, writeDefaults: false })

  function clear() {
    // Back to the initial value, which nobody may have changed: what is typed is replaced, never written into.
    typed.value = null as never
    // It may have been sent while somebody went on to another inquiry, where nothing watches it any more.
    localStorage.removeItem(key)
  }

  return { typed, clear }
}
