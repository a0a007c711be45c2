/** What somebody has typed for one inquiry; it survives reloads, other screens and refused requests. */
export function useTyped(inquiryId: string) {
  const kept = useLocalStorage<{ kind: 'reply' | 'note', text: string, draft: number | null }>(
    `pok-typed-${inquiryId}`,
    { kind: 'reply', text: '', draft: null },
    { mergeDefaults: true, writeDefaults: false }
  )
  const clear = () => (kept.value = null as never)
  return { typed: kept, clear }
}
