/** Seconds to or from a moment, by a clock that moves on each second while the page is there. */
export function useCountdown() {
  const now = useNow({ interval: 1_000 })
  const until = (time: string) => Math.max(0, Math.round((Date.parse(time) - now.value.getTime()) / 1000))
  const since = (time: string) => Math.max(0, Math.round((now.value.getTime() - Date.parse(time)) / 1000))
  return { until, since }
}
