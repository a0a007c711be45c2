import type { Setting } from '~/api/types.gen'

/** Settings in words of the page; those that it does not know by their own name. */
export function useSettingWords() {
  const { t, te, localeProperties } = useI18n()

  function numberOf(value: number, options: Intl.NumberFormatOptions = {}): string {
    return new Intl.NumberFormat(localeProperties.value.language, options).format(value)
  }

  function valueOf(key: string, value: Setting['value']): string {
    if (value === null) return te(`admin.system.${key}.null`) ? t(`admin.system.${key}.null`) : t('common.none')
    if (typeof value === 'boolean') return t(value ? 'admin.yes' : 'admin.no')
    if (key === 'confidence_threshold') return numberOf(Number(value), { style: 'percent' })
    if (typeof value === 'number') return numberOf(value)
    return te(`admin.system.${key}.${value}`) ? t(`admin.system.${key}.${value}`) : value
  }

  return {
    titleOf: (key: string) => (te(`admin.system.${key}.title`) ? t(`admin.system.${key}.title`) : key),
    hintOf: (key: string) => (te(`admin.system.${key}.hint`) ? t(`admin.system.${key}.hint`) : t('admin.system.unknownHint')),
    valueOf,
    numberOf
  }
}
