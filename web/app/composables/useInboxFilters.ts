import type { LocationQuery } from 'vue-router'
import type { ListInquiriesData } from '~/api/types.gen'

export type InboxQuery = NonNullable<ListInquiriesData['query']>
export type Tab = 'unassigned' | 'mine' | 'open' | 'resolved' | 'all'
export const TABS: Tab[] = ['unassigned', 'mine', 'open', 'resolved', 'all']
export const MANY = ['category', 'sentiment', 'priority', 'triage_state', 'language', 'status', 'assignee', 'tag'] as const
export type Many = (typeof MANY)[number]

const OPEN = ['new', 'open', 'pending']

/** What a tab stands for; a filter of one's own on the same field takes its place. */
const OF_TAB: Record<Tab, Partial<Record<Many, string[]>>> = {
  unassigned: { status: OPEN, assignee: ['none'] },
  mine: { status: OPEN, assignee: ['me'] },
  open: { status: OPEN },
  resolved: { status: ['resolved', 'closed'] },
  all: {}
}

/** What an address of the inbox asks for. */
export function inboxFilters(query: LocationQuery) {
  const list = (name: string): string[] => [query[name] ?? []].flat().filter((value): value is string => !!value)
  const tab = TABS.find((one) => one === list('tab')[0]) ?? 'open'
  const text = list('q')[0] ?? ''
  const ordering = list('ordering')[0] ?? '-create_time'
  const chosen = Object.fromEntries(MANY.map((name) => [name, list(name)]).filter(([, values]) => values!.length)) as Partial<Record<Many, string[]>>
  const asked = { ...OF_TAB[tab], ...chosen, ...(text ? { q: text } : { ordering }) } as InboxQuery
  return { tab, text, ordering, chosen, asked }
}

/** The filters of the inbox: they live in the address, so that it can be kept, shared and gone back to. */
export const useInboxFilters = createSharedComposable(() => {
  const route = useRoute()
  const router = useRouter()
  const kept = useLocalStorage<{ name: string, query: Record<string, string | string[]> }[]>('pok-views', [])

  // Kept while another screen is open, so that coming back finds the same list.
  const query = ref<LocationQuery>({})
  // Compared by its words: the router makes a new object for each step, and all rows would be drawn again.
  watch(
    () => (route.path.startsWith('/inbox') ? JSON.stringify(route.query) : null),
    (found) => found && (query.value = JSON.parse(found)),
    { immediate: true }
  )
  const filters = computed(() => inboxFilters(query.value))

  function go(change: Record<string, string | string[] | undefined>) {
    const next = { ...query.value, ...change }
    const clean = Object.fromEntries(Object.entries(next).filter(([, value]) => value && value.length))
    return router.replace({ path: route.path.startsWith('/inbox') ? route.path : '/inbox', query: clean })
  }

  return {
    tab: computed(() => filters.value.tab),
    text: computed(() => filters.value.text),
    ordering: computed(() => filters.value.ordering),
    chosen: computed(() => filters.value.chosen),
    asked: computed(() => filters.value.asked),
    kept,
    query: readonly(query),
    setTab: (value: Tab) => go({ tab: value === 'open' ? undefined : value }),
    setText: (value: string) => go({ q: value.trim() || undefined }),
    setOrdering: (value: string) => go({ ordering: value === '-create_time' ? undefined : value }),
    setMany: (name: Many, values: string[]) => go({ [name]: values }),
    clear: () => go({ ...Object.fromEntries(MANY.map((name) => [name, undefined])), q: undefined }),
    openView: (view: Record<string, string | string[]>) => router.replace({ path: '/inbox', query: view })
  }
})
