import { useQuery } from '@pinia/colada'
import { getDraftQuery } from '~/api/@pinia/colada.gen'
import { createMessage, updateDraft } from '~/api/sdk.gen'
import type { Draft, StaffInquiry } from '~/api/types.gen'

export type Written = { kind: 'reply' | 'note', text: string, draft: number | null, resolve: boolean }

const BLANK: Draft = { number: 0, state: 'generating', text: '', message_number: 0, instruction: null, model: null, reply_number: null, edit_distance: null, reason: null, cited: [], missing: [], masked: [], create_time: '', update_time: '' }

/** Answering an inquiry: the shared draft, and what is sent. */
export function useReplying(inquiryId: string, inquiry: Ref<StaffInquiry | undefined>, told: { onSent: () => unknown, onChanged: () => unknown }) {
  const { t } = useI18n()
  const toast = useToast()
  const { tell } = useProblems()
  const sending = ref(false)
  /** While the AI writes, what it has written so far. */
  const writing = ref<Draft | null>(null)

  const reading = useQuery(() => ({
    ...getDraftQuery({ path: { inquiry_id: inquiryId } }),
    enabled: !!inquiry.value
  }))
  /** The draft that a stopped version (`instead`) was to replace. The server has superseded it, but it can still be sent. */
  const kept = shallowRef<{ draft: Draft, instead: number } | null>(null)
  const shownAgain = computed(() => (kept.value && kept.value.instead === reading.data.value?.number ? kept.value.draft : null))
  const draft = computed(() => writing.value ?? shownAgain.value ?? reading.data.value ?? null)
  let replaced: typeof kept.value = null
  let listening: AbortController | null = null

  const { keyFor, forgetKey } = useRetryKey(`reply-${inquiryId}`)

  /** `done` when it is stored; `overtaken` when its draft or the status are no longer what they were. */
  async function send(written: Written, then: { done: () => void, overtaken: () => void }) {
    if (!inquiry.value) return
    sending.value = true
    const body = {
      kind: written.kind,
      text: written.text,
      ...(written.kind === 'reply' && written.draft ? { draft_number: written.draft } : {}),
      ...(written.kind === 'reply' && written.resolve ? { status: 'resolved' as const } : {})
    }
    try {
      await createMessage({ path: { inquiry_id: inquiryId }, headers: { 'Idempotency-Key': keyFor(body) }, body, throwOnError: true })
      forgetKey()
      then.done()
      toast.add({ title: t(written.kind === 'note' ? 'detail.noted' : 'detail.sent'), color: 'success', icon: 'i-lucide-check' })
      told.onSent()
      void reading.refetch()
      void told.onChanged()
    } catch (error) {
      if (problemKey(error) !== 'illegal-transition') return tell(error)
      then.overtaken()
      await Promise.all([told.onSent(), reading.refetch(), told.onChanged()])
      tell(error, t('detail.overtaken'))
    } finally {
      sending.value = false
    }
  }

  async function moveDraft(state: 'inserted' | 'dismissed' | 'ready') {
    const current = draft.value
    if (!inquiry.value || !current) return
    if (shownAgain.value) {
      if (state === 'dismissed') kept.value = null
      return
    }
    try {
      await updateDraft({ path: { inquiry_id: inquiry.value.id }, body: { number: current.number, state }, throwOnError: true })
      await reading.refetch()
      if (state === 'dismissed') {
        toast.add({ title: t('detail.draftDismissed'), color: 'neutral', icon: 'i-lucide-x', actions: [{ label: t('common.undo'), color: 'neutral', variant: 'outline', onClick: () => void moveDraft('ready') }] })
      }
    } catch (error) {
      void reading.refetch()
      tell(error)
    }
  }

  async function regenerate(instruction: string) {
    const id = inquiry.value?.id
    if (!id) return
    const before = draft.value?.state === 'ready' ? draft.value : null
    const begun = (listening = new AbortController())
    writing.value = { ...BLANK, instruction }
    try {
      const options = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(instruction ? { instruction } : {}), signal: begun.signal }
      for await (const { event, data } of eventsOf(`/api/inquiries/${id}/draft/stream/`, options)) {
        const content = JSON.parse(data)
        if (event === 'delta') writing.value = { ...writing.value!, text: writing.value!.text + content.text }
        else if (event === 'problem') throw content
        else {
          writing.value = content
          if (before) replaced = { draft: before, instead: content.number }
        }
      }
    } catch (error) {
      if (!begun.signal.aborted) tell(error, t('detail.draftFailed'))
    } finally {
      await reading.refetch()
      if (listening === begun) writing.value = null
    }
  }

  /** No more of the draft that is being written; the one before is offered again. */
  async function stop() {
    const current = draft.value
    if (!inquiry.value || current?.state !== 'generating') return
    try {
      await updateDraft({ path: { inquiry_id: inquiry.value.id }, body: { number: current.number, state: 'dismissed' }, throwOnError: true })
      if (replaced?.instead === current.number) kept.value = replaced
    } catch (error) {
      if (problemKey(error) !== 'illegal-transition') tell(error) // otherwise it was finished first, and is shown
    }
    listening?.abort()
    await reading.refetch()
  }

  return { draft, sending: readonly(sending), send, moveDraft, regenerate, stop, refetchDraft: reading.refetch }
}
