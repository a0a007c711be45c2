import { useQueryCache } from '@pinia/colada'
import { getInquiryQuery, listMessagesQuery } from '~/api/@pinia/colada.gen'

const FRESH = 15_000

type Asked = {
  ids: Ref<string[]>
  currentId: Ref<string | null>
  query: Ref<Readonly<Record<string, unknown>>>
  reveal: (index: number) => void
}

/** Moving through the list: the open inquiry is the cursor, and its neighbours are read before they are asked for. */
export function useInboxCursor({ ids, currentId, query, reveal }: Asked) {
  const router = useRouter()
  const cache = useQueryCache()

  const open = (id: string | undefined) => (id ? router.push({ path: `/inbox/${id}`, query: query.value as Record<string, string> }) : undefined)
  const close = () => router.push({ path: '/inbox', query: query.value as Record<string, string> })

  function step(by: number) {
    const at = currentId.value ? ids.value.indexOf(currentId.value) : -1
    const to = at < 0 ? 0 : at + by
    if (to < 0 || to >= ids.value.length) return
    reveal(to)
    void open(ids.value[to])
  }

  function prefetch(id: string | undefined) {
    if (!id) return
    const path = { inquiry_id: id }
    void cache.refresh(cache.ensure({ ...getInquiryQuery({ path }), staleTime: FRESH })).catch(() => undefined)
    void cache.refresh(cache.ensure({ ...listMessagesQuery({ path }), staleTime: FRESH })).catch(() => undefined)
  }

  // Once one rests: who runs through the list reads none of what lies on the way.
  watchDebounced(
    currentId,
    (id) => {
      const at = id ? ids.value.indexOf(id) : -1
      if (at < 0) return
      prefetch(ids.value[at + 1])
      prefetch(ids.value[at - 1])
    },
    { debounce: 150 }
  )

  return { step, open, close, prefetch }
}
