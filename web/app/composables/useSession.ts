import { getMe, refreshToken, revokeToken, createToken } from '~/api/sdk.gen'
import type { User } from '~/api/types.gen'

/*
 * Who is logged in. The access token lives in this module only; the refresh token in a cookie that scripts cannot read.
 * Tabs share the cookie, so they refresh one after the other, and a log-out in one ends all of them.
 */
const EARLY_SECONDS = 30
const access = { token: '', expires: 0 }
const me = ref<User | null>(null)
const restored = ref(false)
const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('pok-session')
let refreshing: Promise<boolean> | null = null

function keep(pair: { access: string, expires_in: number }) {
  access.token = pair.access
  access.expires = Date.now() + pair.expires_in * 1000
}

function forget() {
  access.token = ''
  access.expires = 0
  me.value = null
}

async function refresh(): Promise<boolean> {
  refreshing ??= navigator.locks
    .request('pok-refresh', async () => {
      const { data, response } = await refreshToken({ body: {}, headers: { 'X-No-Retry': '1' } })
      if (data) {
        keep(data)
        return true
      }
      if (response && response.status < 500) forget()
      return false
    })
    .finally(() => (refreshing = null))
  return refreshing
}

/** A token that is still good for a while, or an empty string. */
export async function accessToken(): Promise<string> {
  if (access.token && Date.now() > access.expires - EARLY_SECONDS * 1000) await refresh()
  return access.token
}

/** Get a new token after a refusal; false when the session has ended. */
export async function renewToken(spent: string): Promise<boolean> {
  return access.token !== spent || (await refresh())
}

export function useSession() {
  async function loadMe() {
    const { data } = await getMe({ throwOnError: true })
    me.value = data
  }

  /** Find out who is logged in, once per page load. */
  async function restore() {
    if (restored.value) return
    try {
      if (hasHint() && (await refresh())) await loadMe()
    } finally {
      restored.value = true
    }
  }

  async function logIn(email: string, password: string) {
    const { data } = await createToken({ body: { email, password, cookie: true }, throwOnError: true })
    keep(data)
    await loadMe()
    setHint(true)
    restored.value = true
  }

  async function logOut(everywhere = false) {
    await revokeToken({ body: { everywhere } })
    forget()
    setHint(false)
    channel?.postMessage('out')
    // A fresh page: nothing that was read stays in memory.
    window.location.assign('/login')
  }

  const role = computed(() => me.value?.role ?? 'anonymous')
  return {
    me: readonly(me),
    role,
    isStaff: computed(() => role.value === 'support' || role.value === 'admin'),
    isAdmin: computed(() => role.value === 'admin'),
    restore,
    loadMe,
    logIn,
    logOut
  }
}

// Whether a refresh is worth asking for: saves visitors without an account a refused request.
const HINT = 'pok-signed-in'

function hasHint(): boolean {
  return localStorage.getItem(HINT) === '1'
}

function setHint(on: boolean) {
  if (on) localStorage.setItem(HINT, '1')
  else localStorage.removeItem(HINT)
}

channel?.addEventListener('message', () => window.location.assign('/login'))
