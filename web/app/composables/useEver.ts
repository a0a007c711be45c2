/** Whether something has been open at least once: until then, what it needs is not even loaded. */
export function useEver(open: Ref<boolean>) {
  const ever = ref(open.value)
  watch(open, (now) => now && (ever.value = true))
  return ever
}
