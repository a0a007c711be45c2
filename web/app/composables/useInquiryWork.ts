import { useQuery } from '@pinia/colada'
import { getInquiryQuery, listMessagesQuery } from '~/api/@pinia/colada.gen'
import type { StaffInquiry, StaffMessage } from '~/api/types.gen'
import type { Written } from './useReplying'

type Told = { onClose: () => void, onNext: () => void, onChanged: (inquiry: StaffInquiry) => void }

/** All that somebody sees of one inquiry, types for it and does with it. `row` is what the list knows of it. */
export function useInquiryWork(inquiryId: string, row: () => StaffInquiry | undefined, { onClose, onNext, onChanged }: Told) {
  const { t } = useI18n()
  const { me } = useSession()
  const path = { inquiry_id: inquiryId }

  const reading = useQuery(() => ({ ...getInquiryQuery({ path }), staleTime: 15_000, placeholderData: () => row() }))
  const inquiry = computed(() => reading.data.value as StaffInquiry | undefined)
  const conversation = useQuery(() => listMessagesQuery({ path }))
  const messages = computed(() => conversation.data.value?.items as StaffMessage[] | undefined)

  const { set, tag, saving, collision, decide } = useInquiryActions(inquiry, onChanged)
  const replying = useReplying(inquiryId, inquiry, { onSent: () => conversation.refetch(), onChanged: refresh })
  const decisions = useDecisions(inquiryId, { onChanged: refresh, onErased: onClose })
  const { typed, clear } = useTyped(inquiryId)
  const { rival, settle } = useRival(typed, () => messages.value, () => replying.draft.value)

  async function refresh() {
    const { data } = await reading.refetch()
    if (data) onChanged(data as StaffInquiry)
  }

  useHead({ title: () => inquiry.value?.reference ?? t('nav.inbox') })
  useLiveFeed(
    (event) => {
      if (event.inquiry_id !== inquiryId || event.version <= (inquiry.value?.version ?? 0)) return
      void refresh()
      if (event.kind === 'message_created') void conversation.refetch()
      if (event.kind === 'draft_changed' || event.kind === 'triage_completed') void replying.refetchDraft()
    },
    () => void refresh()
  )

  async function resolve() {
    if (await set({ status: 'resolved' }, t('detail.resolvedToast', { reference: inquiry.value?.reference ?? '' }))) onNext()
  }

  return proxyRefs({
    inquiry,
    error: reading.error,
    retry: reading.refetch,
    messages,
    messagesError: conversation.error,
    retryMessages: conversation.refetch,
    saving,
    collision,
    decide,
    tag,
    resolve,
    setStatus: (status: StaffInquiry['status']) => set({ status }, t('detail.statusToast', { status: t(`inbox.status.${status}`) })),
    assign: (assignee: string | null) => set({ assignee_id: assignee }, t(assignee === me.value?.id ? 'detail.assignedMe' : 'detail.assignedToast')),
    setCategory: (category: string) => set({ category }, t('detail.categoryToast')),
    setPriority: (priority: NonNullable<StaffInquiry['priority']>) => set({ priority }),
    setSentiment: (sentiment: NonNullable<StaffInquiry['sentiment']>) => set({ sentiment }),
    refresh,
    draft: replying.draft,
    sending: replying.sending,
    moveDraft: replying.moveDraft,
    regenerate: replying.regenerate,
    stop: replying.stop,
    typed,
    clear,
    rival,
    settle,
    send: (written: Written) => replying.send(written, { done: clear, overtaken: () => (typed.value = { ...typed.value, draft: null }) }),
    decisions: proxyRefs(decisions)
  })
}

export type InquiryWork = ReturnType<typeof useInquiryWork>
