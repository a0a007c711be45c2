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
    '/': single(search),
    // What lies over the page is closed first.
    escape: { handler: () => void (isOverlaid() || close()), usingInput: false }
  })
}
