import { createToken, getMe, refreshToken, revokeToken, updateMe } from '~/api/sdk.gen'
import type { TokenPair, User } from '~/api/types.gen'

/*
 * Who is logged in. The access token lives in this module only; the refresh token in a cookie that scripts cannot read.
 * Tabs share the cookie, so they refresh one after the other, and a log-out in one ends all of them. Browsers keep that
 * cookie only for pages that came over TLS or from this machine; elsewhere each tab has a session that a reload ends.
 */
const EARLY_SECONDS = 30
const REFUSED = new Set([400, 401, 403])
const access = { token: '', expires: 0 }
const keepsCookie = window.isSecureContext
let refreshSecret = ''
const me = ref<User | null>(null)
const restored = ref(false)
/** The session is over although nobody has logged out here; what is on the page stays until one goes on. */
const ended = ref(false)
const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('pok-session')
let refreshing: Promise<boolean> | null = null

function keep(pair: TokenPair) {
  refreshSecret = pair.refresh
  access.token = pair.access
  access.expires = Date.now() + pair.expires_in * 1000
}

function forget() {
  refreshSecret = ''
  access.token = ''
  access.expires = 0
}

const sent = () => (keepsCookie ? {} : { refresh: refreshSecret })

async function exchange(): Promise<boolean> {
  const { data, response } = await refreshToken({ body: sent(), headers: { 'X-No-Retry': '1' } })
  if (data) {
    keep(data)
    return true
  }
  if (response && REFUSED.has(response.status)) {
    forget()
    ended.value = me.value !== null
  }
  return false
}

// Should two tabs refresh at once all the same, the server answers both with the same secret.
async function refresh(): Promise<boolean> {
  refreshing ??= (keepsCookie && navigator.locks ? navigator.locks.request('pok-refresh', exchange) : exchange()).finally(() => (refreshing = null))
  return refreshing
}

/** Whether somebody has logged in since the page was loaded, or been found to be. */
export const hasToken = () => access.token !== ''

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
  const { $i18n } = useNuxtApp()

  async function loadMe() {
    const { data } = await getMe({ throwOnError: true })
    me.value = data
  }

  /** Find out who is logged in, once per page load. */
  async function restore() {
    if (restored.value) return
    try {
      if (keepsCookie && hasHint() && (await refresh())) await loadMe()
    } finally {
      restored.value = true
    }
  }

  /** Go on as somebody who is not logged in. */
  function leave() {
    ended.value = false
    me.value = null
  }

  /** The page goes on in the language of the account, or a new account in that of the page. */
  async function logIn(email: string, password: string, language?: User['language']) {
    const { data } = await createToken({ body: { email, password, cookie: keepsCookie }, throwOnError: true })
    keep(data)
    if (language) me.value = (await updateMe({ body: { language }, throwOnError: true })).data
    else await loadMe()
    await $i18n.setLocale(me.value!.language)
    setHint(true)
    restored.value = true
  }

  async function logOut(everywhere = false) {
    await revokeToken({ body: { everywhere, ...sent() } })
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
    ended: readonly(ended),
    restore,
    leave,
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
