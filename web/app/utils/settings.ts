import type { Setting } from '~/api/types.gen'

/** What a setting holds, as far as its value and its default tell. */
export function settingKind(setting: Setting): 'boolean' | 'number' | 'string' | 'unknown' {
  const known = setting.value ?? setting.default
  return known === null ? 'unknown' : (typeof known as 'boolean' | 'number' | 'string')
}

/** What was typed for a setting of unknown kind: nothing is null, and what reads as a number is one. */
export function settingValue(setting: Setting, draft: Setting['value']): Setting['value'] {
  if (settingKind(setting) !== 'unknown' || typeof draft !== 'string') return draft
  const typed = draft.trim()
  if (!typed) return null
  return Number.isNaN(Number(typed)) ? typed : Number(typed)
}
