import { useQuery } from '@pinia/colada'
import { getAiStateQuery, getQueueQuery } from '~/api/@pinia/colada.gen'
import { listQueueJobs, retryQueueJobs } from '~/api/sdk.gen'
import type { JobPage, ListQueueJobsData, Retry } from '~/api/types.gen'

export type JobState = NonNullable<NonNullable<ListQueueJobsData['query']>['state']>

const EVERY_MS = 3_000
const AI_EVERY_MS = 15_000
const PAGE_SIZE = 50

/** Depth, ages, rates and workers, looked at again every few seconds while the page is seen. */
export function useQueueMonitor() {
  const { data, error, refetch } = useQuery(() => getQueueQuery())
  const ai = useQuery(() => getAiStateQuery())
  useLookAgain(refetch, EVERY_MS)
  useLookAgain(ai.refetch, AI_EVERY_MS)
  return { queue: data, error, refetch, ai: ai.data, aiError: ai.error }
}

/** The jobs in one state, page after page; `reason` keeps those that failed or wait for it. */
export function useQueueJobs(state: () => JobState, reason: () => string) {
  const cache = useQueryCache()
  const list = useInfiniteQuery(() => ({
    key: ['queue-jobs', state(), reason()],
    query: async ({ pageParam, signal }) => {
      const query = { state: state(), reason: reason() ? [reason()] : undefined, page_size: PAGE_SIZE, page_token: pageParam }
      const { data } = await listQueueJobs({ query, signal, throwOnError: true })
      return data
    },
    initialPageParam: '',
    getNextPageParam: (page: JobPage) => page.next_page_token
  }))
  const jobs = computed(() => list.data.value?.pages.flatMap((page) => page.items) ?? [])
  useLookAgain(list.refetch, EVERY_MS)

  /** Queues failed ones again, call after call until there are no more; returns how many. */
  async function retry(what: Retry): Promise<number> {
    let retried = 0
    for (let more = true; more;) {
      const { data } = await retryQueueJobs({ body: what, throwOnError: true })
      retried += data.retried
      more = data.more && data.retried > 0
    }
    await cache.invalidateQueries({ key: ['queue-jobs'] })
    return retried
  }

  return { ...list, jobs, retry }
}
