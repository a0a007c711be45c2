import { createCategoryMutation, deleteCategoryMutation, listCategoriesQuery, listCategoriesQueryKey, updateCategoryMutation } from '~/api/@pinia/colada.gen'
import { getCategory } from '~/api/sdk.gen'
import type { CategoryChange, NewCategory, StaffCategory, StaffCategoryList } from '~/api/types.gen'

/** The categories in display order, and what admins do to them. */
export function useTaxonomy() {
  const cache = useQueryCache()
  const key = listCategoriesQueryKey()
  const list = useQuery(() => listCategoriesQuery())
  const { mutateAsync: update } = useMutation(updateCategoryMutation())
  const { mutateAsync: add } = useMutation(createCategoryMutation())
  const { mutateAsync: erase } = useMutation(deleteCategoryMutation())
  // Staff get the whole of each, whatever else the description of the API allows for others.
  const categories = computed(() => (list.data.value?.items ?? []) as StaffCategory[])

  const show = (items: StaffCategory[]) => cache.setQueryData(key, { items } satisfies StaffCategoryList)
  const reload = () => cache.invalidateQueries({ key })

  /** As it is now, whatever the list still shows. */
  async function read(category: string) {
    const { data } = await getCategory({ path: { key: category }, throwOnError: true })
    return data as StaffCategory
  }

  /** Shows the change at once and takes it back when it is refused, also because it is no longer at this version. */
  async function change(category: string, body: CategoryChange, version?: number) {
    const before = categories.value
    cache.cancelQueries({ key })
    show(changed(before, category, body))
    try {
      await update({ path: { key: category }, body, headers: ifMatch(version) })
    } catch (error) {
      show(before)
      throw error
    } finally {
      await reload()
    }
  }

  async function create(body: NewCategory) {
    await add({ body })
    await reload()
  }

  async function remove(category: string) {
    await erase({ path: { key: category } })
    await reload()
  }

  return { ...list, categories, read, change, create, remove }
}

function changed(categories: StaffCategory[], key: string, { position, ...values }: CategoryChange): StaffCategory[] {
  const items = categories.map((one) => (one.key === key ? { ...one, ...values } : one))
  if (position === undefined) return items
  const from = items.findIndex((one) => one.key === key)
  items.splice(position - 1, 0, ...items.splice(from, 1))
  return items.map((one, index) => ({ ...one, position: index + 1 }))
}
