/** Single keys of an open inquiry. */
export function useDetailKeys(actions: Record<'resolve' | 'reply' | 'note' | 'assign', () => unknown>) {
  const { singleKeys } = useShortcutSheet()
  const when = (action: () => unknown) => () => singleKeys.value && action()
  defineShortcuts({ e: when(actions.resolve), r: when(actions.reply), n: when(actions.note), a: when(actions.assign) })
}
