import { listInquiries } from '~/api/sdk.gen'
import type { StaffInquiry, StaffPage } from '~/api/types.gen'
import type { InboxQuery } from './useInboxFilters'
import type { LiveEvent } from './useLiveFeed'

const PAGE = 50
const KEPT_LISTS = 12

/** One list as far as it has been read. Rows are shared by identity: a change shows wherever the row is shown. */
type Loaded = {
  items: StaffInquiry[]
  next: string | null
  total: number
  estimate: boolean
  meaning: string | null
  fresh: boolean
}

// Lists that were looked at lately, so that going back to one is instant; the oldest goes first.
const cache = new Map<string, Loaded>()

function keep(key: string, loaded: Loaded) {
  cache.delete(key)
  cache.set(key, loaded)
  if (cache.size > KEPT_LISTS) cache.delete(cache.keys().next().value!)
}

const keyOf = (asked: InboxQuery) => JSON.stringify(asked)

async function fetchPage(asked: InboxQuery, token?: string): Promise<StaffPage> {
  const { data } = await listInquiries({ query: { ...asked, page_size: PAGE, ...(token ? { page_token: token } : {}) }, throwOnError: true })
  return data as StaffPage
}

let ahead: { key: string, page: Promise<StaffPage> } | null = null

/** Ask for a list before the screen that shows it is made, which takes about as long as the answer. */
export function askAhead(asked: InboxQuery) {
  const key = keyOf(asked)
  // When the page is loaded the router comes by here before it is known who looks.
  if (!hasToken() || cache.get(key)?.fresh) return
  ahead = { key, page: fetchPage(asked) }
  ahead.page.catch(() => undefined) // told to whoever waits for it
}

function takeAhead(key: string): Promise<StaffPage> | null {
  const page = ahead?.key === key ? ahead.page : null
  ahead = null
  return page
}

/** The inquiries that match, page by page as one scrolls, kept current by the live feed. */
export function useInquiryList(asked: Ref<InboxQuery>) {
  const key = computed(() => keyOf(asked.value))
  const loaded = shallowRef<Loaded | null>(null)
  const error = shallowRef<unknown>(null)
  const busy = ref(false)
  const more = ref(false)
  /** Inquiries that came in since the list was read, and are not in it. */
  const arrived = ref(new Set<string>())
  /** Those of them that have just come into it. */
  const lately = ref(new Set<string>())
  const forget = useTimeoutFn(() => (lately.value = new Set()), 1_000, { immediate: false })
  // What is heard while a page is on its way may be newer than the page.
  let heard: LiveEvent[] = []
  let turn = 0

  async function reload() {
    const mine = ++turn
    const wanted = key.value
    busy.value = true
    error.value = null
    try {
      const page = await (takeAhead(wanted) ?? fetchPage(asked.value))
      if (mine !== turn) return
      const now: Loaded = {
        items: page.items,
        next: page.next_page_token,
        total: page.total,
        estimate: page.total_is_estimate,
        meaning: (page as { meaning?: string | null }).meaning ?? null,
        fresh: true
      }
      keep(wanted, now)
      loaded.value = now
      lately.value = arrived.value
      forget.start()
      arrived.value = new Set()
    } catch (thrown) {
      if (mine === turn) error.value = thrown
    } finally {
      if (mine === turn) {
        busy.value = false
        const again = heard
        heard = []
        again.forEach(hear)
      }
    }
  }

  async function loadMore() {
    const list = loaded.value
    if (!list?.next || more.value) return
    more.value = true
    try {
      const page = await fetchPage(asked.value, list.next)
      if (loaded.value !== list) return
      const known = new Set(list.items.map((item) => item.id))
      list.items = [...list.items, ...page.items.filter((item) => !known.has(item.id))]
      list.next = page.next_page_token
      triggerRef(loaded)
    } catch (thrown) {
      error.value = thrown
    } finally {
      more.value = false
    }
  }

  /** Show a changed row where it stands; it leaves the list only when the list is read again, so nothing jumps. */
  function replace(inquiry: StaffInquiry) {
    const list = loaded.value
    const index = list?.items.findIndex((item) => item.id === inquiry.id) ?? -1
    if (!list || index < 0) return
    list.items = list.items.with(index, inquiry)
    triggerRef(loaded)
  }

  function hear(event: LiveEvent) {
    if (busy.value) heard.push(event)
    for (const list of cache.values()) list.fresh = list === loaded.value
    const row = loaded.value?.items.find((item) => item.id === event.inquiry_id)
    if (row && event.version > row.version) {
      replace({
        ...row,
        triage_state: (event.triage_state as StaffInquiry['triage_state']) ?? row.triage_state,
        status: (event.status as StaffInquiry['status']) ?? row.status,
        category: event.category
      })
      stale.add(event.inquiry_id)
      void refreshStale()
    } else if (!row && event.kind === 'inquiry_created') {
      arrived.value = new Set(arrived.value).add(event.inquiry_id)
    }
  }

  // Rows whose other fields have changed too are read again, together and not more often than twice a second.
  const stale = new Set<string>()
  const refreshStale = useThrottleFn(async () => {
    const ids = [...stale]
    stale.clear()
    for (const id of ids) {
      const inquiry = await readInquiry(id)
      if (inquiry) replace(inquiry)
    }
  }, 500, true)

  watch(
    key,
    (wanted) => {
      const known = cache.get(wanted)
      loaded.value = known ?? null
      arrived.value = new Set()
      if (known) keep(wanted, known)
      if (!known?.fresh) void reload()
    },
    { immediate: true }
  )

  return {
    items: computed(() => loaded.value?.items ?? []),
    total: computed(() => loaded.value?.total ?? 0),
    estimate: computed(() => loaded.value?.estimate ?? false),
    meaning: computed(() => loaded.value?.meaning ?? null),
    hasMore: computed(() => !!loaded.value?.next),
    ready: computed(() => loaded.value !== null),
    arrived,
    lately,
    error,
    busy,
    more,
    reload,
    loadMore,
    replace,
    hear
  }
}
