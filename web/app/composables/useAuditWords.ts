import type { AuditEntry } from '~/api/types.gen'

const COLORS = { ok: 'success', refused: 'warning', failed: 'error' } as const

/** The audit log in words of the page; what it does not know is shown as it is. */
export function useAuditWords() {
  const { t, te } = useI18n()
  const orPlain = (key: string, plain: string) => (te(key) ? t(key) : plain)
  return {
    labelOf: (action: string) => orPlain(`admin.audit.actions.${action.replace('.', '_')}`, action),
    outcomeOf: (outcome: AuditEntry['outcome']) => orPlain(`admin.audit.outcome.${outcome}`, outcome),
    colorOf: (outcome: AuditEntry['outcome']) => COLORS[outcome] ?? 'neutral',
    fieldOf: (field: string) => orPlain(`admin.audit.fields.${field}`, field)
  }
}
