import { exportAuditEntries, listAuditEntries } from '~/api/sdk.gen'
import type { AuditPage, ExportAuditEntriesData, ListAuditEntriesData } from '~/api/types.gen'

export type AuditFilter = Omit<NonNullable<ListAuditEntriesData['query']>, 'page_size' | 'page_token'>
type Format = NonNullable<NonNullable<ExportAuditEntriesData['query']>['format']>

const PAGE_SIZE = 50

/** The entries that match, page after page, and all of them as a file. */
export function useAuditLog(filter: () => AuditFilter) {
  const list = useInfiniteQuery(() => ({
    key: ['audit', filter()],
    query: async ({ pageParam, signal }) => {
      const { data } = await listAuditEntries({ query: { ...filter(), page_size: PAGE_SIZE, page_token: pageParam }, signal, throwOnError: true })
      return data
    },
    initialPageParam: '',
    getNextPageParam: (page: AuditPage) => page.next_page_token
  }))
  const entries = computed(() => list.data.value?.pages.flatMap((page) => page.items) ?? [])

  async function download(format: Format) {
    const { data, response } = await exportAuditEntries({ query: { ...filter(), format }, parseAs: 'blob', throwOnError: true })
    const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1] ?? `pok-audit.${format}`
    saveFile(data as unknown as Blob, name)
  }

  return { ...list, entries, download }
}
