/** Who may open which page. It only spares people what the server would refuse anyway. */
const ADMIN = /^admin(-|$)/
const SIGNED_IN = /^(settings|my)(-|$)/

export default defineNuxtRouteMiddleware(async (to) => {
  const { restore, me, isStaff, isAdmin, ended, leave } = useSession()
  await restore()
  if (ended.value) leave()
  const page = String(to.name ?? '')
  if (isPublicPage(page) || to.matched.length === 0) return
  if (!me.value) return navigateTo({ path: '/login', query: to.path === '/' ? {} : { next: to.fullPath } })
  if (SIGNED_IN.test(page)) return
  if (!isStaff.value) return navigateTo('/my')
  if (ADMIN.test(page) && !isAdmin.value) return navigateTo('/inbox')
})
