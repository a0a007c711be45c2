/** Days and full times in the language of the page and the time zone of the reader; `useTimes` has the short ones. */
export function useDates() {
  const { localeProperties } = useI18n()

  function formatted(time: string, options: Intl.DateTimeFormatOptions): string {
    return new Intl.DateTimeFormat(localeProperties.value.language, options).format(new Date(time))
  }

  return {
    day: (time: string) => formatted(time, { dateStyle: 'medium' }),
    exact: (time: string) => formatted(time, { dateStyle: 'full', timeStyle: 'long' })
  }
}
