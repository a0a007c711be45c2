import { useQuery } from '@pinia/colada'
import { listCannedRepliesQuery } from '~/api/@pinia/colada.gen'
import type { StaffInquiry } from '~/api/types.gen'

/** Canned replies for an inquiry: those of its language and category first, with their variables filled in. */
export function useCannedReplies(inquiry: Ref<StaffInquiry>) {
  const { me } = useSession()
  const all = useQuery(() => ({ ...listCannedRepliesQuery(), staleTime: 60_000 }))

  const fit = (reply: { language: string, category: string | null }) =>
    (reply.language === inquiry.value.language ? 2 : 0) + (reply.category && reply.category === inquiry.value.category ? 1 : 0)
  const replies = computed(() => (all.data.value?.items ?? []).toSorted((one, other) => fit(other) - fit(one) || one.title.localeCompare(other.title)))

  function filled(body: string): string {
    const { customer_name, reference, subject } = inquiry.value
    return replyParts(body, { customer_name, reference, subject, agent_name: me.value?.name }).map((part) => part.text).join('')
  }

  return { replies, filled }
}
