import { useQueryCache } from '@pinia/colada'
import { getInquiryQuery } from '~/api/@pinia/colada.gen'
import { updateInquiry } from '~/api/sdk.gen'
import type { InquiryChange, StaffInquiry } from '~/api/types.gen'

/** What can be set and set back. */
type Fields = Pick<InquiryChange, 'status' | 'category' | 'priority' | 'sentiment' | 'assignee_id'>

/** Changes to one inquiry: shown at once, taken back when refused, and undone from the toast. */
export function useInquiryActions(inquiry: Ref<StaffInquiry | undefined>, onChanged: (inquiry: StaffInquiry) => void) {
  const { t } = useI18n()
  const toast = useToast()
  const cache = useQueryCache()
  const { tell, sentence } = useProblems()
  const saving = ref(false)

  function show(now: StaffInquiry) {
    cache.setQueryData(getInquiryQuery({ path: { inquiry_id: now.id } }).key, now)
    onChanged(now)
  }

  async function send(id: string, change: InquiryChange, version?: number): Promise<StaffInquiry> {
    const { data } = await updateInquiry({
      path: { inquiry_id: id },
      body: change,
      headers: version ? { 'If-Match': `"${version}"` } : {},
      throwOnError: true
    })
    show(data)
    return data
  }

  /** Set fields; `said` is what the toast says, and with it comes a way back. */
  async function set(fields: Fields, said?: string) {
    const before = inquiry.value
    if (!before) return
    saving.value = true
    show({ ...before, ...fields } as StaffInquiry)
    try {
      const after = await send(before.id, fields, before.version)
      if (said) offerUndo(before, after, fields, said)
      return after
    } catch (error) {
      show(before)
      if (problemKey(error) === 'version-mismatch') explain(error, before, fields)
      else tell(error)
    } finally {
      saving.value = false
    }
  }

  function offerUndo(before: StaffInquiry, after: StaffInquiry, fields: Fields, said: string) {
    const back = Object.fromEntries(Object.keys(fields).map((name) => [name, before[name as keyof Fields]])) as Fields
    const possible = back.status !== 'new' && Object.values(back).every((value) => value !== undefined) && !('category' in back && back.category === null)
    toast.add({
      title: said,
      color: 'neutral',
      icon: 'i-lucide-check',
      actions: possible ? [{ label: t('common.undo'), color: 'neutral', variant: 'outline', onClick: () => void send(after.id, back).catch(tell) }] : []
    })
  }

  // Somebody else has set the same field: both values are shown, and the person decides.
  function explain(error: unknown, before: StaffInquiry, fields: Fields) {
    const current = (error as { current?: StaffInquiry }).current
    if (current) show(current)
    toast.add({
      title: t('detail.conflict'),
      description: sentence(error),
      color: 'warning',
      icon: 'i-lucide-git-compare-arrows',
      duration: 20_000,
      actions: [{ label: t('detail.conflictMine'), color: 'neutral', variant: 'outline', onClick: () => void send(before.id, fields).catch(tell) }]
    })
  }

  async function tag(add: string[], remove: string[]) {
    if (!inquiry.value) return
    try {
      await send(inquiry.value.id, { add_tags: add, remove_tags: remove })
    } catch (error) {
      tell(error)
    }
  }

  return { set, tag, show, saving: readonly(saving) }
}
