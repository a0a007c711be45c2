type Actions = {
  step: (by: number) => void
  close: () => unknown
  select: () => unknown
  search: () => unknown
}

/** Single keys of the list; they do nothing while one types, or where they are switched off. */
export function useInboxKeys({ step, close, select, search }: Actions) {
  const { single } = useShortcutSheet()
  defineShortcuts({
    j: single(() => step(1)),
    k: single(() => step(-1)),
    x: single(select),
    '/': single(search)
  })
  // None of the shortcuts, which keep a key from everything else: what lies over the page is closed by it first.
  const typing = (target: EventTarget | null) => target instanceof HTMLElement && target.matches('input, textarea')
  useEventListener('keydown', ({ key, target }) => void (key === 'Escape' && !typing(target) && !isOverlaid() && close()), { capture: true })
}
