/** Keys that work on every screen; `g` is followed by where to go. */
export function useNavigationKeys() {
  const { single, open } = useShortcutSheet()
  const { isAdmin } = useSession()
  defineShortcuts({
    '?': single(open),
    'g-i': single(() => navigateTo('/inbox')),
    'g-a': single(() => navigateTo('/analytics')),
    'g-q': single(() => navigateTo('/queue')),
    'g-u': single(() => isAdmin.value && navigateTo('/admin/users')),
    'g-s': single(() => navigateTo('/settings'))
  })
}
