/** The sheet of shortcuts, and whether single keys work at all (WCAG 2.1.4 lets people switch them off). */
export const useShortcutSheet = createSharedComposable(() => {
  const shown = ref(false)
  const singleKeys = useLocalStorage('pok-single-keys', true)
  /** The action of a single key, which does nothing while something else that is open takes the keys. */
  const single = (action: () => unknown) => () => void (singleKeys.value && !isOverlaid() && action())
  return { shown, singleKeys, single, open: () => (shown.value = true) }
})

/** Whether a menu, a popover or a dialog lies over the page. */
export const isOverlaid = () => document.querySelector('[role=menu], [role=listbox], [role=dialog]') !== null
