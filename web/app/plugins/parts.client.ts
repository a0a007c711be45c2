import { checkLiveness } from '~/api/sdk.gen'

/**
 * Parts of the page that are loaded when they are needed cannot be loaded while there is no connection, nor when a newly
 * deployed build has taken their place. Nothing goes away then: what was asked for is offered again, by a click.
 */
export default defineNuxtPlugin((nuxtApp) => {
  const missing = new WeakSet<object>()
  const isMissing = (error: unknown) => error instanceof Error && missing.has(error)
  const router = useRouter()
  const toast = useToast()

  async function offer(path: string) {
    const { t } = nuxtApp.$i18n
    const { response } = await checkLiveness()
    const words = response ? { title: t('error.newVersion'), description: t('error.newVersionHint') } : { title: t('error.offline'), description: t('error.partOffline') }
    const action = response
      ? { label: t('error.reload'), onClick: () => reload(path) }
      : { label: t('error.retry'), onClick: () => void retry(path) }
    toast.add({ id: 'missing-part', ...words, color: 'warning', icon: response ? 'i-lucide-refresh-cw' : 'i-lucide-wifi-off', duration: 0, actions: [{ color: 'neutral', variant: 'outline', ...action }] })
  }

  // Browsers remember of a script that it could not be loaded; only a page that is loaded anew asks for it again.
  async function retry(path: string) {
    const { response } = await checkLiveness()
    if (response) reload(path)
    else await offer(path)
  }

  function reload(path: string) {
    if (path === router.currentRoute.value.fullPath) window.location.reload()
    else window.location.assign(path)
  }

  nuxtApp.hook('app:chunkError', ({ error }) => void missing.add(error))
  router.onError((error, to) => isMissing(error) && void offer(to.fullPath))
  nuxtApp.hook('vue:error', (error) => {
    if (isMissing(error)) void offer(router.currentRoute.value.fullPath)
  })
  // What a link would have fetched ahead is no loss.
  window.addEventListener('unhandledrejection', (event) => isMissing(event.reason) && event.preventDefault())
})
