import { updateMeMutation } from '~/api/@pinia/colada.gen'
import type { OwnChange } from '~/api/types.gen'

/** Changing one's own account; the page follows. */
export function useOwnAccount() {
  const { loadMe } = useSession()
  const { setLocale } = useI18n()
  const { mutateAsync: update, isLoading } = useMutation(updateMeMutation())

  async function change(body: OwnChange) {
    const account = await update({ body })
    await loadMe()
    if (body.language) await setLocale(account.language)
  }

  return { change, isLoading }
}
