/** Call again and again while the page is seen: customers have no live feed. */
export function useLookAgain(look: () => unknown, everyMs: number) {
  const visibility = useDocumentVisibility()
  const { isActive, pause, resume } = useIntervalFn(() => void look(), everyMs)
  watch(visibility, (now) => {
    if (now === 'visible' && !isActive.value) resume()
    if (now !== 'visible') pause()
  })
}
