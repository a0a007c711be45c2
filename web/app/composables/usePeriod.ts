const DAYS = { '7': 7, '30': 30, '90': 90, '365': 365 } as const
export type PeriodKey = keyof typeof DAYS
export const PERIODS = Object.keys(DAYS) as PeriodKey[]
export type Step = 'hour' | 'day' | 'week' | 'month'

const dayOf = (date: Date) => `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`

/** The period of the analytics, in the address; whole days in the time zone of the browser, today included. */
export function usePeriod() {
  const route = useRoute()
  const router = useRouter()
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
  const key = computed<PeriodKey>({
    get: () => (PERIODS.includes(route.query.period as PeriodKey) ? (route.query.period as PeriodKey) : '30'),
    set: (value) => void router.replace({ query: { ...route.query, period: value === '30' ? undefined : value } })
  })
  const days = computed(() => DAYS[key.value])
  const step = computed<Step>(() => (days.value <= 31 ? 'day' : days.value <= 92 ? 'week' : 'month'))
  const query = computed(() => {
    const first = new Date()
    first.setDate(first.getDate() - days.value + 1)
    return { from: dayOf(first), to: dayOf(new Date()), time_zone: zone }
  })
  return { key, days, step, query }
}
