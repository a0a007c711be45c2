import { updateMe } from '~/api/sdk.gen'

/** The languages of the page; the account of whoever is logged in remembers the choice. */
export function useLanguage() {
  const { locale, locales, setLocale } = useI18n()
  const { me, loadMe } = useSession()
  const { tell } = useProblems()

  async function choose(code: 'es' | 'en') {
    await setLocale(code)
    if (!me.value || me.value.language === code) return
    try {
      await updateMe({ body: { language: code }, throwOnError: true })
      await loadMe()
    } catch (error) {
      tell(error)
    }
  }

  return { locale, locales, choose }
}
