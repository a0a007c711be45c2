const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60]
]

/** Times as people say them; `now` moves on by itself. */
export const useTimes = createSharedComposable(() => {
  const { localeProperties } = useI18n()
  // "en" alone would write dates as Americans do.
  const language = computed(() => localeProperties.value.language)
  const now = useNow({ interval: 15_000 })
  const relative = computed(() => new Intl.RelativeTimeFormat(language.value, { numeric: 'auto', style: 'short' }))
  const exact = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeStyle: 'short' }))

  /** "3 minutes ago" and the like. */
  function ago(time: string): string {
    const seconds = (Date.parse(time) - now.value.getTime()) / 1000
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
    return Math.abs(seconds) < 45 ? relative.value.format(0, 'second') : relative.value.format(Math.round(seconds / size), unit)
  }

  /** A length of time in its two largest units, such as "2 h 5 min"; narrow: "2h 5m". */
  function lasting(seconds: number, unitDisplay: 'short' | 'narrow' = 'short'): string {
    const unit = (value: number, name: string) => new Intl.NumberFormat(language.value, { style: 'unit', unit: name, unitDisplay, maximumFractionDigits: 0 }).format(value)
    if (seconds < 60) return unit(Math.round(seconds), 'second')
    if (seconds < 3600) return unit(Math.round(seconds / 60), 'minute')
    if (seconds < 86_400) return [unit(Math.floor(seconds / 3600), 'hour'), Math.round((seconds % 3600) / 60) ? unit(Math.round((seconds % 3600) / 60), 'minute') : ''].join(' ').trim()
    return [unit(Math.floor(seconds / 86_400), 'day'), Math.round((seconds % 86_400) / 3600) ? unit(Math.round((seconds % 86_400) / 3600), 'hour') : ''].join(' ').trim()
  }

  return { ago, at: (time: string) => exact.value.format(new Date(time)), lasting }
})
