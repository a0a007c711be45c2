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
    const values: Record<string, string> = {
      customer_name: inquiry.value.customer_name,
      reference: inquiry.value.reference,
      subject: inquiry.value.subject,
      agent_name: me.value?.name ?? ''
    }
    return body.replace(/\{\{?\s*(\w+)\s*\}?\}/g, (whole, name: string) => values[name] ?? whole)
  }

  return { replies, filled }
}
