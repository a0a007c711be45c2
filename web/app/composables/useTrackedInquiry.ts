import { useMutation, useQuery, useQueryCache } from '@pinia/colada'
import { createTrackedMessageMutation, getInquiryQuery, getTrackedInquiryQuery } from '~/api/@pinia/colada.gen'
import type { TrackedInquiry } from '~/api/types.gen'

const LOOK_AGAIN_MS = 20_000

/** What a private link opens, looked at again while the page is seen; and writing to it. */
export function useTrackedInquiry(reference: Ref<string>, token: Ref<string>) {
  const cache = useQueryCache()
  const { role } = useSession()
  const headers = computed(() => ({ 'X-Tracking-Token': token.value }))
  const key = computed(() => ['tracked', reference.value, token.value])
  const query = useQuery(() => ({
    ...getTrackedInquiryQuery({ path: { reference: reference.value }, headers: headers.value }),
    // The generated key knows no headers, and another link is another answer.
    key: key.value,
    enabled: Boolean(token.value)
  }))
  // Opening the link adds it to the account of a customer who is logged in, unless it is another account's.
  const id = computed(() => query.data.value?.inquiry.id ?? '')
  const own = useQuery(() => ({ ...getInquiryQuery({ path: { inquiry_id: id.value } }), enabled: role.value === 'user' && Boolean(id.value) }))
  const writing = useMutation(createTrackedMessageMutation())
  useLookAgain(() => query.refetch(), LOOK_AGAIN_MS)

  async function send(text: string, idempotencyKey: string) {
    const message = await writing.mutateAsync({
      path: { reference: reference.value },
      headers: { ...headers.value, 'Idempotency-Key': idempotencyKey },
      body: { text }
    })
    const before = cache.getQueryData<TrackedInquiry>(key.value)
    if (before && !before.messages.some(({ number }) => number === message.number)) {
      cache.setQueryData(key.value, { ...before, messages: [...before.messages, message] })
    }
    void query.refetch()
  }

  return { tracked: query.data, isMine: computed(() => role.value === 'user' && isOwn(own.data.value)), error: query.error, refetch: query.refetch, send }
}
