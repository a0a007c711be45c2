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
  const kept = useLocalStorage<Typed>(`pok-typed-${inquiryId}`, { kind: 'reply', text: '', draft: null, known: null }, { mergeDefaults: true, writeDefaults: false })
  // Back to the initial value, which nobody may have changed: what is typed is replaced, never written into.
  const clear = () => (kept.value = null as never)
  return { typed: kept, clear }
}
