import { client } from '~/api/client.gen'
import type { Refusal } from '~/utils/problem'

const ENDED: Refusal = { type: 'urn:pok:problem:session-ended', title: '', status: 401, detail: '', errors: [], request_id: '' }

/** Every call of the generated client carries the access token, and is repeated once with a new one when refused. */
export default defineNuxtPlugin(() => {
  const { $i18n } = useNuxtApp()
  const { ended, leave } = useSession()
  const toast = useToast()
  const router = useRouter()
  const isPublic = () => isPublicPage(router.currentRoute.value.name)

  const ID = 'session-ended'
  watch(ended, (over) => {
    if (!over) return toast.remove(ID)
    if (isPublic()) return leave()
    const logIn = () => void router.push({ path: '/login', query: { next: router.currentRoute.value.fullPath } })
    toast.add({ id: ID, title: $i18n.t('problem.session-ended'), color: 'warning', icon: 'i-lucide-log-in', duration: 0, actions: [{ label: $i18n.t('nav.logIn'), color: 'neutral', variant: 'outline', onClick: logIn }] })
  })

  client.setConfig({
    baseUrl: '',
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      const request = new Request(input, init)
      const last = request.headers.get('X-No-Retry')
      request.headers.delete('X-No-Retry')
      request.headers.set('Accept-Language', $i18n.locale.value)
      if (last) return fetch(request)
      const token = await accessToken()
      // The public view would take the place of what staff see.
      if (ended.value && !isPublic()) return Response.json(ENDED, { status: 401 })
      if (!token) return fetch(request)
      const again = request.clone()
      request.headers.set('Authorization', `Bearer ${token}`)
      const response = await fetch(request)
      if (response.status !== 401 || !(await renewToken(token))) return response
      again.headers.set('Authorization', `Bearer ${await accessToken()}`)
      return fetch(again)
    }
  })
})
