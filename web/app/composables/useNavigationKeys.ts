/** Keys that work on every screen; `g` is followed by where to go. */
export function useNavigationKeys() {
  const { singleKeys, open } = useShortcutSheet()
  const { isAdmin } = useSession()
  const when = (action: () => unknown) => () => singleKeys.value && action()
  defineShortcuts({
    '?': when(open),
    'g-i': when(() => navigateTo('/inbox')),
    'g-a': when(() => navigateTo('/analytics')),
    'g-q': when(() => navigateTo('/queue')),
    'g-u': when(() => isAdmin.value && navigateTo('/admin/users')),
    'g-s': when(() => navigateTo('/settings'))
  })
}
