import type { Masked, Model } from '~/api/types.gen'

/** What the AI tells of its work, in words of the page; what the page does not know, in the server's own. */
export function useAiWords() {
  const { t, te, n } = useI18n()
  const word = (group: string, key: string) => (te(`ai.${group}.${key}`) ? t(`ai.${group}.${key}`) : key.replaceAll('_', ' '))

  return {
    percent: (share: number) => n(share, { style: 'percent', maximumFractionDigits: 0 }),
    /** In the currency of the prices, which the server does not name. */
    cost: (micros: number) => n(micros / 1_000_000, { minimumFractionDigits: 2, maximumFractionDigits: 6 }),
    provider: (model: Model) => word('provider', model.provider),
    trouble: (reason: string) => word('trouble', reason),
    outcome: (key: string) => word('outcome', key),
    priorityReason: (key: string) => word('reason', key),
    hidden: (masked: Masked[]) => masked.map(({ kind, count }) => (te(`ai.masked.${kind}`) ? t(`ai.masked.${kind}`, count) : `${count} ${kind}`)).join(', ')
  }
}
