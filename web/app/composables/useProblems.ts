import type { FormError } from '@nuxt/ui'

/** What went wrong, in the language of the page. */
export function useProblems() {
  const { t, te, locale } = useI18n()
  const toast = useToast()

  /** One sentence; the server's own where the page knows no better one. */
  function sentence(error: unknown): string {
    const problem = problemOf(error)
    const key = `problem.${problemKey(error)}`
    if (te(key)) return t(key)
    return locale.value === 'en' && problem.detail ? problem.detail : t('problem.other')
  }

  /** What a form shows beside its fields. */
  function fieldErrors(error: unknown): FormError[] {
    return (problemOf(error).errors ?? []).map(({ field, message }) => ({
      name: field,
      message: te(`field.${field}`) && locale.value !== 'en' ? t(`field.${field}`) : message
    }))
  }

  /** Say it in a corner of the page. */
  function tell(error: unknown, title?: string) {
    toast.add({ title: title ?? t('error.title'), description: sentence(error), color: 'error', icon: 'i-lucide-circle-alert' })
  }

  return { sentence, fieldErrors, tell }
}
