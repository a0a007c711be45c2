import { listSettingsQuery, listSettingsQueryKey, resetSettingMutation, updateSettingMutation } from '~/api/@pinia/colada.gen'
import type { Setting } from '~/api/types.gen'

/** What admins can change while POK runs. */
export function useRunTimeSettings() {
  const cache = useQueryCache()
  const list = useQuery(() => listSettingsQuery())
  const { mutateAsync: update } = useMutation(updateSettingMutation())
  const { mutateAsync: forget } = useMutation(resetSettingMutation())
  const settings = computed<Setting[]>(() => list.data.value?.items ?? [])

  function show(setting: Setting) {
    cache.setQueryData(listSettingsQueryKey(), { items: settings.value.map((one) => (one.key === setting.key ? setting : one)) })
  }

  /** Shows the value at once and takes it back when it is refused. */
  async function set(setting: Setting, value: Setting['value']) {
    show({ ...setting, value })
    try {
      show(await update({ path: { setting: setting.key }, body: { value } }))
    } catch (error) {
      show(setting)
      throw error
    }
  }

  async function reset(setting: Setting) {
    show(await forget({ path: { setting: setting.key } }))
  }

  return { ...list, settings, set, reset }
}
