/** Who may open which page. It only spares people what the server would refuse anyway. */
const PUBLIC = new Set(['login', 'register', 'contact', 'contact-sent', 'track-reference'])
const ADMIN = /^admin(-|$)/
const SIGNED_IN = /^(settings|my)(-|$)/

export default defineNuxtRouteMiddleware(async (to) => {
  const { restore, me, isStaff, isAdmin } = useSession()
  await restore()
  const page = String(to.name ?? '')
  if (PUBLIC.has(page) || to.matched.length === 0) return
  if (!me.value) return navigateTo({ path: '/login', query: to.path === '/' ? {} : { next: to.fullPath } })
  if (SIGNED_IN.test(page)) return
  if (!isStaff.value) return navigateTo('/my')
  if (ADMIN.test(page) && !isAdmin.value) return navigateTo('/inbox')
})
