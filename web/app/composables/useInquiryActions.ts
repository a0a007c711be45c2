import { useQueryCache } from '@pinia/colada'
import { getInquiryQuery } from '~/api/@pinia/colada.gen'
import { updateInquiry } from '~/api/sdk.gen'
import type { InquiryChange, StaffInquiry } from '~/api/types.gen'

/** What can be set and set back. */
export type Fields = Pick<InquiryChange, 'status' | 'category' | 'priority' | 'sentiment' | 'assignee_id'>
/** What one wanted, and the inquiry as somebody else has left it meanwhile. */
export type Collision = { mine: Fields, now: StaffInquiry }

/** Changes to one inquiry: shown at once, taken back when refused, and undone from the toast. */
export function useInquiryActions(inquiry: Ref<StaffInquiry | undefined>, onChanged: (inquiry: StaffInquiry) => void) {
  const { t } = useI18n()
  const toast = useToast()
  const cache = useQueryCache()
  const { tell } = useProblems()
  const saving = ref(false)
  const collision = shallowRef<Collision | null>(null)

  function show(now: StaffInquiry) {
    cache.setQueryData(getInquiryQuery({ path: { inquiry_id: now.id } }).key, now)
    onChanged(now)
  }

  async function send(id: string, change: InquiryChange, version?: number): Promise<StaffInquiry> {
    const { data } = await updateInquiry({
      path: { inquiry_id: id },
      body: change,
      headers: ifMatch(version),
      throwOnError: true
    })
    show(data)
    return data
  }

  /** Set fields; `said` is what the toast says, and with it comes a way back. */
  async function set(fields: Fields, said?: string) {
    const before = inquiry.value
    if (!before) return
    const after = await attempt(before, fields)
    if (after && said) offerUndo(before, after, fields, said)
    return after
  }

  async function attempt(before: StaffInquiry, fields: Fields) {
    saving.value = true
    show({ ...before, ...fields } as StaffInquiry)
    try {
      return await send(before.id, fields, before.version)
    } catch (error) {
      if (inquiry.value?.version === before.version) show(before)
      const now = await overtaken(error, before)
      if (!now) return void tell(error)
      show(now)
      if (!differs(now, fields)) return now
      collision.value = { mine: fields, now }
    } finally {
      saving.value = false
    }
  }

  const differs = (now: StaffInquiry, fields: Fields) => Object.entries(fields).some(([name, value]) => now[name as keyof Fields] !== value)

  /** The inquiry as it is now, if it was refused because of what somebody else has done. */
  async function overtaken(error: unknown, before: StaffInquiry): Promise<StaffInquiry | null> {
    if (problemKey(error) === 'version-mismatch') return (error as { current: StaffInquiry }).current
    if (problemKey(error) !== 'illegal-transition') return null
    const now = await readInquiry(before.id)
    return now && now.status !== before.status ? now : null
  }

  /** What was chosen of one's own wishes is set on top of what the other has set. */
  async function decide(mine: Fields) {
    const { now } = collision.value!
    collision.value = null
    if (Object.keys(mine).length) await attempt(now, mine)
  }

  function offerUndo(before: StaffInquiry, after: StaffInquiry, fields: Fields, said: string) {
    const back = Object.fromEntries(Object.keys(fields).map((name) => [name, before[name as keyof Fields]])) as Fields
    // A category that the machine had set is not decided by a person again, who would teach it something by that.
    if ('category' in back && !before.human_fields.includes('category')) back.category = null
    const possible = back.status !== 'new' && Object.values(back).every((value) => value !== undefined)
    toast.add({
      title: said,
      color: 'neutral',
      icon: 'i-lucide-check',
      actions: possible ? [{ label: t('common.undo'), color: 'neutral', variant: 'outline', onClick: () => void attempt(after, back) }] : []
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

  return { set, tag, show, collision, decide, saving: readonly(saving) }
}
