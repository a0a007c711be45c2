import { useMutation, useQuery } from '@pinia/colada'
import { createMessageMutation, getInquiryQuery } from '~/api/@pinia/colada.gen'
import { listMessages } from '~/api/sdk.gen'
import type { CustomerMessage } from '~/api/types.gen'

const LOOK_AGAIN_MS = 20_000

async function wholeConversation(id: string): Promise<CustomerMessage[]> {
  const messages: CustomerMessage[] = []
  let page_token = ''
  do {
    const { data } = await listMessages({ path: { inquiry_id: id }, query: { page_token }, throwOnError: true })
    messages.push(...(data.items as CustomerMessage[]))
    page_token = data.next_page_token ?? ''
  } while (page_token)
  return messages
}

/** An inquiry of the customer who is logged in, with its conversation. */
export function useOwnInquiry(id: Ref<string>) {
  const inquiry = useQuery(() => getInquiryQuery({ path: { inquiry_id: id.value } }))
  const messages = useQuery(() => ({ key: ['conversation', id.value], query: () => wholeConversation(id.value) }))
  const writing = useMutation(createMessageMutation())
  const refetch = () => Promise.all([inquiry.refetch(), messages.refetch()])
  useLookAgain(refetch, LOOK_AGAIN_MS)

  async function send(text: string, key: string) {
    await writing.mutateAsync({ path: { inquiry_id: id.value }, body: { kind: 'follow_up', text }, headers: { 'Idempotency-Key': key } })
    await refetch()
  }

  return {
    inquiry: computed(() => (isOwn(inquiry.data.value) ? inquiry.data.value : undefined)),
    isForeign: computed(() => Boolean(inquiry.data.value) && !isOwn(inquiry.data.value)),
    messages: messages.data,
    error: computed(() => inquiry.error.value ?? messages.error.value),
    refetch,
    send
  }
}
