/** The actions that the audit log knows at present; others are shown by their own name. */
export const AUDIT_ACTIONS = [
  'session.create', 'session.revoke', 'session.reuse', 'account.create', 'account.update', 'account.delete',
  'category.create', 'category.update', 'category.delete', 'canned_reply.create', 'canned_reply.update', 'canned_reply.delete',
  'setting.update', 'inquiry.erase', 'inquiry.import', 'inquiry.export', 'erasure.create', 'erasure.finish', 'retention.finish',
  'audit.export', 'debug_token.use'
] as const

export const AUDIT_OUTCOMES = ['ok', 'refused', 'failed'] as const

const ICONS: Record<string, string> = {
  session: 'i-lucide-key-round',
  account: 'i-lucide-user',
  category: 'i-lucide-tag',
  canned_reply: 'i-lucide-message-square-quote',
  setting: 'i-lucide-sliders-horizontal',
  inquiry: 'i-lucide-inbox',
  erasure: 'i-lucide-eraser',
  retention: 'i-lucide-eraser',
  audit: 'i-lucide-download',
  debug_token: 'i-lucide-bug'
}

/** What an action is about, as a picture. */
export function auditIcon(action: string): string {
  return ICONS[action.split('.')[0] ?? ''] ?? 'i-lucide-circle-dot'
}
