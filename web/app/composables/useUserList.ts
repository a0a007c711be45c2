import { deleteUserMutation, updateUserMutation } from '~/api/@pinia/colada.gen'
import { listUsers } from '~/api/sdk.gen'
import type { ListUsersData, User, UserChange, UserPage } from '~/api/types.gen'

type Filter = Omit<NonNullable<ListUsersData['query']>, 'page_size' | 'page_token'>
type Pages = { pages: UserPage[], pageParams: string[] }

const PAGE_SIZE = 50

/** The accounts that match, page after page, and what admins do to them. */
export function useUserList(filter: () => Filter) {
  const cache = useQueryCache()
  const { mutateAsync: update } = useMutation(updateUserMutation())
  const { mutateAsync: erase } = useMutation(deleteUserMutation())
  const list = useInfiniteQuery(() => ({
    key: ['users', filter()],
    query: async ({ pageParam, signal }) => {
      const { data } = await listUsers({ query: { ...filter(), page_size: PAGE_SIZE, page_token: pageParam }, signal, throwOnError: true })
      return data
    },
    initialPageParam: '',
    getNextPageParam: (page: UserPage) => page.next_page_token
  }))

  function show(user: User) {
    cache.setQueriesData<Pages | undefined>({ key: ['users'] }, (before) => before && {
      ...before,
      pages: before.pages.map((page) => ({ ...page, items: page.items.map((one) => (one.id === user.id ? user : one)) }))
    })
  }

  /** Shows the change at once and takes it back when it is refused. */
  async function change(user: User, body: UserChange) {
    const { password: _, ...visible } = body
    show({ ...user, ...visible })
    try {
      show(await update({ path: { user_id: user.id }, body }))
    } catch (error) {
      show(user)
      throw error
    }
  }

  async function remove(user: User) {
    await erase({ path: { user_id: user.id } })
    await reload()
  }

  const reload = () => cache.invalidateQueries({ key: ['users'] })
  const users = computed(() => list.data.value?.pages.flatMap((page) => page.items) ?? [])
  return { ...list, users, change, remove, reload }
}
