type Actions = {
  step: (by: number) => void
  open: (id: string | undefined) => unknown
  close: () => unknown
  select: () => unknown
  search: () => unknown
}

/** Single keys of the list; they do nothing while one types, or where they are switched off. */
export function useInboxKeys({ step, close, select, search }: Actions) {
  const { singleKeys } = useShortcutSheet()
  const when = (action: () => unknown) => () => singleKeys.value && action()
  defineShortcuts({
    j: when(() => step(1)),
    k: when(() => step(-1)),
    x: when(select),
    '/': when(search),
    escape: { handler: () => void close(), usingInput: false }
  })
}
