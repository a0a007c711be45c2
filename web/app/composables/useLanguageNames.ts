const COMMON = ['es', 'en', 'ca', 'eu', 'gl', 'pt', 'pt-BR', 'fr', 'de', 'it', 'nl', 'pl', 'ro', 'uk', 'ru', 'ar', 'zh', 'ja']

/** Languages of customers, named in the language of the page. */
export function useLanguageNames() {
  const { localeProperties } = useI18n()
  const names = computed(() => new Intl.DisplayNames([localeProperties.value.language ?? 'es'], { type: 'language' }))

  function nameOf(code: string): string {
    const name = names.value.of(code) ?? code
    return name.charAt(0).toLocaleUpperCase(localeProperties.value.language) + name.slice(1)
  }

  /** To choose from: the usual ones, and those that are in use already. */
  const choices = (used: string[]) => [...new Set([...COMMON, ...used])].map((value) => ({ value, label: nameOf(value) }))
  return { nameOf, choices }
}
