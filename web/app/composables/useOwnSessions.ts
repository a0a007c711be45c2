import { listSessionsQuery, listSessionsQueryKey, revokeSessionMutation } from '~/api/@pinia/colada.gen'
import type { OwnSession, SessionList } from '~/api/types.gen'

export const sessionsKey = () => listSessionsQueryKey()

/** Where one is logged in. */
export function useOwnSessions() {
  const cache = useQueryCache()
  const list = useQuery(() => listSessionsQuery())
  const { mutateAsync: revoke } = useMutation(revokeSessionMutation())
  const sessions = computed<OwnSession[]>(() => list.data.value?.items ?? [])
  const others = computed(() => sessions.value.filter((session) => !session.current))
  const show = (items: OwnSession[]) => cache.setQueryData(sessionsKey(), { items } satisfies SessionList)

  /** Gone from the list at once; back when it is refused. One that has ended meanwhile is no refusal. */
  async function end(session: OwnSession) {
    const before = sessions.value
    show(before.filter((one) => one.id !== session.id))
    try {
      await revoke({ path: { session_id: session.id } })
    } catch (error) {
      if (problemKey(error) === 'not-found') return
      show(before)
      throw error
    }
  }

  async function endOthers() {
    try {
      for (const session of others.value) await end(session)
    } finally {
      await cache.invalidateQueries({ key: sessionsKey() })
    }
  }

  return { ...list, sessions, others, end, endOthers }
}
