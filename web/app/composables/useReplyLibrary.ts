import { createCannedReplyMutation, deleteCannedReplyMutation, listCannedRepliesQuery, listCannedRepliesQueryKey, updateCannedReplyMutation } from '~/api/@pinia/colada.gen'
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

  async function save(reply: CannedReply | null, body: NewCannedReply) {
    if (reply) await update({ path: { reply_id: reply.id }, body: differences(reply, body) })
    else await add({ body })
    await reload()
  }

  async function remove(reply: CannedReply) {
    await erase({ path: { reply_id: reply.id } })
    await reload()
  }

  return { ...list, replies, save, remove }
}

/** Only what has changed: a category that is switched off may stay, but not be chosen. */
function differences(reply: CannedReply, body: NewCannedReply): CannedReplyChange {
  return Object.fromEntries(Object.entries(body).filter(([field, value]) => value !== reply[field as keyof NewCannedReply]))
}
