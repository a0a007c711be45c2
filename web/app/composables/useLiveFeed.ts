/*
 * What happens, as it happens: one stream per browser. The tab that holds the lock reads it and tells the others; each
 * event only says what changed, so that a lost one costs nothing but a moment.
 */
export type LiveEvent = {
  position: string
  inquiry_id: string
  kind: string
  version: number
  changed: string[]
  triage_state: string | null
  status: string | null
  category: string | null
}
export type LiveState = 'connecting' | 'live' | 'offline'
type Told = { kind: 'event', event: LiveEvent } | { kind: 'resync' } | { kind: 'state', state: LiveState, position: string } | { kind: 'hello' }

const FIRST_PAUSE = 500
const LONGEST_PAUSE = 15_000
/** The server says something every 15 s; after three of these in silence the connection is dead. */
const SILENCE = 45_000
const OLD = 5_000

const state = ref<LiveState>('connecting')
const listeners = new Set<(event: LiveEvent) => void>()
const resyncs = new Set<() => void>()
const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('pok-live')
let begun = false
let leads = false
let position = ''

function hear(told: Told) {
  if (told.kind === 'event') {
    // A tab that takes over goes on from here.
    position = told.event.position
    listeners.forEach((listener) => listener(told.event))
  } else if (told.kind === 'resync') resyncs.forEach((listener) => listener())
  else if (told.kind === 'state') {
    state.value = told.state
    position = told.position
  } else if (leads) tabs?.postMessage({ kind: 'state', state: state.value, position } satisfies Told)
}

function tell(told: Told) {
  tabs?.postMessage(told)
  hear(told)
}

async function read(signal: AbortSignal) {
  const watchdog = new AbortController()
  const cut = () => watchdog.abort()
  let timer = setTimeout(cut, SILENCE)
  const alive = () => {
    clearTimeout(timer)
    timer = setTimeout(cut, SILENCE)
  }
  // A connection whose network has gone stays silent, and does not break by itself.
  window.addEventListener('offline', cut)
  try {
    const options = { headers: position ? { 'Last-Event-ID': position } : {}, signal: AbortSignal.any([signal, watchdog.signal]) }
    for await (const { id, event, data } of eventsOf('/api/events/stream/', options as RequestInit, alive)) {
      if (id) position = id
      if (state.value !== 'live') tell({ kind: 'state', state: 'live', position })
      if (event === 'inquiry') tell({ kind: 'event', event: { ...JSON.parse(data), position } })
      else if (event === 'resync') tell({ kind: 'resync' })
    }
  } finally {
    clearTimeout(timer)
    window.removeEventListener('offline', cut)
  }
}

/** The time is over, or the computer has a network again. */
function passed(milliseconds: number): Promise<unknown> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
    window.addEventListener('online', resolve, { once: true, signal: AbortSignal.timeout(milliseconds) })
  })
}

async function follow(signal: AbortSignal) {
  leads = true
  let pause = FIRST_PAUSE
  while (!signal.aborted) {
    const began = Date.now()
    try {
      await read(signal)
    } catch {
      if (!signal.aborted) tell({ kind: 'state', state: 'offline', position })
    }
    if (Date.now() - began > OLD) pause = FIRST_PAUSE
    await passed(pause * (0.5 + Math.random() / 2))
    pause = Math.min(pause * 2, LONGEST_PAUSE)
  }
  leads = false
}

function begin() {
  if (begun) return
  begun = true
  tabs?.addEventListener('message', ({ data }: MessageEvent<Told>) => hear(data))
  tabs?.postMessage({ kind: 'hello' } satisfies Told)
  leadTabs('pok-live', follow)
}

/** Be told of every event while the component is there. */
export function useLiveFeed(onEvent?: (event: LiveEvent) => void, onResync?: () => void) {
  // Before the component is on the page: what it reads has been asked for by then.
  if (onEvent) listeners.add(onEvent)
  if (onResync) resyncs.add(onResync)
  begin()
  onScopeDispose(() => {
    if (onEvent) listeners.delete(onEvent)
    if (onResync) resyncs.delete(onResync)
  })
  return { state: readonly(state) }
}
