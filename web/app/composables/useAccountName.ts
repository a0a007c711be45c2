import { getUserQuery, listAgentsQuery } from '~/api/@pinia/colada.gen'

const FRESH_MS = 5 * 60_000

/** Whose account an id is: out of the list of agents where it is there, otherwise asked for; undefined when it is gone. */
export function useAccountName(id: () => string | null | undefined) {
  const agents = useQuery(() => ({ ...listAgentsQuery(), staleTime: FRESH_MS }))
  const agent = computed(() => agents.data.value?.items.find((one) => one.id === id()))
  const user = useQuery(() => ({
    ...getUserQuery({ path: { user_id: id() ?? '' } }),
    enabled: !!id() && !agents.isPending.value && !agent.value,
    staleTime: FRESH_MS
  }))
  return {
    name: computed(() => agent.value?.name ?? (user.data.value?.id === id() ? user.data.value?.name : undefined)),
    pending: computed(() => !!id() && !agent.value && (agents.isPending.value || user.isPending.value)),
    gone: computed(() => !!id() && !agent.value && !!user.error.value && problemKey(user.error.value) === 'not-found')
  }
}
