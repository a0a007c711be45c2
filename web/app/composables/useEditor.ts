import { StorageSerializers } from '@vueuse/core'

type Kept<Item, Values> = { item: Item | null, values: Values, clashes: (keyof Values)[] }

/**
 * The form of an admin screen: what it changes (null: something new) and what somebody has typed, which survives
 * reloads and other screens of the tab until it is saved or thrown away. Passwords do not belong into the values.
 */
export function useEditor<Item extends object, Values extends object>(name: string, fresh: (item: Item | null) => Values) {
  const kept = useSessionStorage<Kept<Item, Values> | null>(`pok-form-${name}`, null, { serializer: StorageSerializers.object, shallow: true })
  const item = shallowRef<Item | null>(kept.value?.item ?? null)
  const values = reactive(kept.value?.values ?? fresh(null)) as Values
  /** Fields that somebody else has set meanwhile, to something else than what is typed. */
  const clashes = shallowRef<(keyof Values)[]>(kept.value?.clashes ?? [])
  const open = ref(kept.value !== null)
  const begun = computed(() => fresh(item.value))
  const dirty = computed(() => !same(values, begun.value))

  watch([open, item, values, clashes], () => {
    kept.value = open.value && dirty.value ? { item: item.value, values: { ...values }, clashes: clashes.value } : null
  }, { deep: true })

  function edit(one: Item | null) {
    item.value = one
    clashes.value = []
    Object.assign(values, fresh(one))
    open.value = true
  }

  /** Goes on from what somebody else has made of it: theirs where nothing was typed, clashes where both did. */
  function rebase(now: Item) {
    const theirs = fresh(now)
    const fields = Object.keys(theirs) as (keyof Values)[]
    const typed = fields.filter((field) => !same(values[field], begun.value[field]))
    clashes.value = typed.filter((field) => !same(theirs[field], begun.value[field]) && !same(theirs[field], values[field]))
    for (const field of fields) if (!typed.includes(field)) values[field] = theirs[field]
    item.value = now
  }

  function takeTheirs(field: keyof Values) {
    values[field] = begun.value[field]
    clashes.value = clashes.value.filter((other) => other !== field)
  }

  return { open, item, values, begun, dirty, clashes, edit, rebase, takeTheirs }
}
