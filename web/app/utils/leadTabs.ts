const BEAT_MS = 2_000
const LAPSE_MS = 7_000

/**
 * Work that one tab does for all tabs of the browser, until it closes or `signal` says that another has taken over.
 *
 * Without Web Locks, which pages that came over plain HTTP do not have, the leading tab renews a note in the storage.
 * A tab that the browser lets sleep loses the lead; for a moment two may have it, so the work must bear that.
 */
export function leadTabs(name: string, work: (signal: AbortSignal) => Promise<void>) {
  if (navigator.locks) void navigator.locks.request(name, () => work(new AbortController().signal))
  else leadByNotes(name, work)
}

function leadByNotes(name: string, work: (signal: AbortSignal) => Promise<void>) {
  const me = randomKey()
  let term: AbortController | null = null
  const note = (): { leader: string, until: number } | null => JSON.parse(localStorage.getItem(name) ?? 'null')

  function beat() {
    const found = note()
    if (found && found.leader !== me && found.until > Date.now()) {
      term?.abort()
      term = null
      return
    }
    localStorage.setItem(name, JSON.stringify({ leader: me, until: Date.now() + LAPSE_MS }))
    if (term) return
    term = new AbortController()
    void work(term.signal)
  }

  window.addEventListener('pagehide', () => note()?.leader === me && localStorage.removeItem(name))
  setInterval(beat, BEAT_MS)
  beat()
}
