import { listAgentsQuery, listCategoriesQuery } from '~/api/@pinia/colada.gen'
import { defineQuery, useQuery } from '@pinia/colada'

type Tone = 'primary' | 'neutral' | 'success' | 'warning' | 'error' | 'info'

const STATUS_TONE: Record<string, Tone> = { new: 'info', open: 'primary', pending: 'warning', resolved: 'success', closed: 'neutral', spam: 'error' }
const PRIORITY_ICON: Record<string, string> = {
  low: 'i-lucide-chevron-down',
  normal: 'i-lucide-equal',
  high: 'i-lucide-chevron-up',
  urgent: 'i-lucide-chevrons-up'
}
const SENTIMENT_ICON: Record<string, string> = { negative: 'i-lucide-frown', neutral: 'i-lucide-meh', positive: 'i-lucide-smile' }

/** The words that the API's keys stand for, in the language of the page. Made once: every row of a list asks for it. */
export const useVocabulary = defineQuery(() => {
  const { t, te, locale } = useI18n()
  const { isStaff } = useSession()
  const categories = useQuery(() => ({ ...listCategoriesQuery(), staleTime: 60_000 }))
  const agents = useQuery(() => ({ ...listAgentsQuery(), staleTime: 60_000, enabled: isStaff.value }))

  const categoryNames = computed(
    () => new Map((categories.data.value?.items ?? []).map((one) => [one.key, locale.value === 'en' ? one.name_en : one.name_es]))
  )
  const agentNames = computed(() => new Map((agents.data.value?.items ?? []).map((one) => [one.id, one.name])))
  const languageNames = computed(() => new Intl.DisplayNames([locale.value], { type: 'language' }))

  const category = (key: string | null | undefined) => (key ? (categoryNames.value.get(key) ?? key) : '')
  const agent = (id: string | null | undefined) => (id ? (agentNames.value.get(id) ?? t('common.unknown')) : '')

  /** What a field of an inquiry holds. */
  function fieldValue(field: string, value: unknown): string {
    if (value === null || value === undefined || value === '') return t('common.none')
    if (field === 'category') return category(String(value))
    if (field === 'assignee_id') return agent(String(value))
    const word = `inbox.${field === 'triage_state' ? 'state' : field}.${value}`
    return te(word) ? t(word) : String(value)
  }

  return {
    categories: computed(() => (categories.data.value?.items ?? []).filter((one) => one.active)),
    agents: computed(() => agents.data.value?.items ?? []),
    category,
    agent,
    fieldValue,
    language: (tag: string | null | undefined) => (tag ? (languageNames.value.of(tag) ?? tag) : ''),
    statusTone: (status: string): Tone => STATUS_TONE[status] ?? 'neutral',
    priorityIcon: (priority: string | null) => PRIORITY_ICON[priority ?? 'normal'] ?? 'i-lucide-equal',
    sentimentIcon: (sentiment: string | null) => SENTIMENT_ICON[sentiment ?? ''] ?? 'i-lucide-circle-dashed'
  }
})
