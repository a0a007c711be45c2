import type { Draft, StaffMessage } from '~/api/types.gen'
import type { Typed } from './useTyped'

/** What has come while somebody was typing. */
export type Rival = { kind: 'reply' | 'draft', text: string, who: string, time: string }

/** Whether another agent has answered, or a newer draft is there, since one began to type. */
export function useRival(typed: Ref<Typed>, messages: () => StaffMessage[] | undefined, draft: () => Draft | null) {
  const { me } = useSession()
  const newest = () => ({ message: messages()?.at(-1)?.number ?? 0, draft: draft()?.number ?? 0 })
  const knows = (known: Typed['known']) => (typed.value = { ...typed.value, known })

  watchEffect(() => {
    if (!messages()) return
    if (typed.value?.text && !typed.value.known) knows(newest())
    else if (typed.value?.known && !typed.value.text) knows(null)
  })

  const rival = computed<Rival | null>(() => {
    const { text, kind, known } = typed.value
    if (!known || !text || kind === 'note') return null
    const reply = messages()?.findLast((one) => one.kind === 'reply' && one.number > known.message && one.author_id !== me.value?.id)
    if (reply) return { kind: 'reply', text: reply.text, who: reply.author_name ?? '', time: reply.create_time }
    const now = draft()
    const fresh = now?.state === 'ready' && now.number > known.draft && now.text !== text
    return fresh ? { kind: 'draft', text: now.text, who: '', time: now.create_time } : null
  })

  return { rival, settle: () => knows(newest()) }
}
