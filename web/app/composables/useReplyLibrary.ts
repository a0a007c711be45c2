import { createCannedReplyMutation, deleteCannedReplyMutation, listCannedRepliesQuery, listCannedRepliesQueryKey, updateCannedReplyMutation } from '~/api/@pinia/colada.gen'
import { getCannedReply } from '~/api/sdk.gen'
import type { CannedReply, CannedReplyChange, NewCannedReply } from '~/api/types.gen'

/** All saved replies (the API answers them in one piece), and what admins do to them. */
export function useReplyLibrary() {
  const cache = useQueryCache()
  const list = useQuery(() => listCannedRepliesQuery())
  const { mutateAsync: add } = useMutation(createCannedReplyMutation())
  const { mutateAsync: update } = useMutation(updateCannedReplyMutation())
  const { mutateAsync: erase } = useMutation(deleteCannedReplyMutation())
  const replies = computed<CannedReply[]>(() => list.data.value?.items ?? [])
  const reload = () => cache.invalidateQueries({ key: listCannedRepliesQueryKey() })

  /** As it is now, whatever the list still shows. */
  async function read(reply: CannedReply) {
    const { data } = await getCannedReply({ path: { reply_id: reply.id }, throwOnError: true })
    return data
  }

  /** Refused when it is no longer as it was read. */
  async function change(reply: CannedReply, body: CannedReplyChange) {
    await update({ path: { reply_id: reply.id }, body, headers: ifMatch(reply.version) })
    await reload()
  }

  async function create(body: NewCannedReply) {
    await add({ body })
    await reload()
  }

  async function remove(reply: CannedReply) {
    await erase({ path: { reply_id: reply.id } })
    await reload()
  }

  return { ...list, replies, read, change, create, remove }
}
