/** Single keys of an open inquiry. */
export function useDetailKeys({ resolve, reply, note, assign }: Record<'resolve' | 'reply' | 'note' | 'assign', () => unknown>) {
  const { single } = useShortcutSheet()
  defineShortcuts({ e: single(resolve), r: single(reply), n: single(note), a: single(assign) })
}
