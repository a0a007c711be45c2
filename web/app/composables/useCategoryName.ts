import type { PublicCategory } from '~/api/types.gen'

/** What a category is called in the language of the page. */
export function useCategoryName() {
  const { locale } = useI18n()
  return (category: Pick<PublicCategory, 'name_es' | 'name_en'>) => (locale.value === 'en' ? category.name_en : category.name_es)
}
