import { useInfiniteQuery } from '@pinia/colada'
import { listInquiries } from '~/api/sdk.gen'
import type { CustomerPage } from '~/api/types.gen'

/** The inquiries of the customer who is logged in, newest first, a page at a time. */
export function useOwnInquiries() {
  const list = useInfiniteQuery({
    key: ['own-inquiries'],
    initialPageParam: '',
    query: async ({ pageParam, signal }) => {
      const { data } = await listInquiries({ query: { page_size: 20, page_token: pageParam }, signal, throwOnError: true })
      return data as CustomerPage
    },
    getNextPageParam: (last) => last.next_page_token
  })
  return {
    inquiries: computed(() => list.data.value?.pages.flatMap((page) => page.items)),
    error: list.error,
    isLoading: list.isLoading,
    hasMore: list.hasNextPage,
    more: list.loadNextPage,
    refetch: list.refetch
  }
}
