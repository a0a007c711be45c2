/** The sheet of shortcuts, and whether single keys work at all (WCAG 2.1.4 lets people switch them off). */
export const useShortcutSheet = createSharedComposable(() => {
  const shown = ref(false)
  const singleKeys = useLocalStorage('pok-single-keys', true)
  return { shown, singleKeys, open: () => (shown.value = true) }
})
