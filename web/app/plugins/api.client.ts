import { client } from '~/api/client.gen'

/** Every call of the generated client carries the access token, and is repeated once with a new one when refused. */
export default defineNuxtPlugin(() => {
  const { $i18n } = useNuxtApp()
  client.setConfig({
    baseUrl: '',
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      const request = new Request(input, init)
      const last = request.headers.get('X-No-Retry')
      request.headers.delete('X-No-Retry')
      request.headers.set('Accept-Language', $i18n.locale.value)
      if (last) return fetch(request)
      const token = await accessToken()
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
