/** Which rows are chosen for an action on all of them; shift takes everything from the last one on. */
export function useSelection(ids: Ref<string[]>) {
  const chosen = ref(new Set<string>())
  let last: string | null = null

  function toggle(id: string, range = false) {
    const next = new Set(chosen.value)
    const from = last ? ids.value.indexOf(last) : -1
    const to = ids.value.indexOf(id)
    if (range && from >= 0 && to >= 0) ids.value.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((one) => next.add(one))
    else if (!next.delete(id)) next.add(id)
    last = id
    chosen.value = next
  }

  function clear() {
    chosen.value = new Set()
    last = null
  }

  return { chosen, toggle, clear, all: () => (chosen.value = new Set(ids.value.slice(0, 100))) }
}
