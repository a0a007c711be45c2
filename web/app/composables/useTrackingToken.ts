/**
 * The token of a private link. It comes in the fragment, which is never sent to a server; once read it is kept for this
 * tab and taken out of the address, so that it neither stays in the history nor shows over a shoulder.
 */
export function useTrackingToken(reference: Ref<string>) {
  const route = useRoute()
  const router = useRouter()
  const token = ref('')

  watch(
    () => [reference.value, route.hash] as const,
    ([name, hash]) => {
      if (!name) return
      const place = `pok-track-${name.toUpperCase()}`
      const given = hash.replace(/^#/, '')
      if (given) sessionStorage.setItem(place, given)
      token.value = given || (sessionStorage.getItem(place) ?? '')
      if (given) void router.replace({ path: route.path, hash: '' })
    },
    { immediate: true }
  )

  return token
}

/** The private link to an inquiry. */
export function trackingLink(reference: string, token: string): string {
  return `${location.origin}/track/${reference}#${token}`
}
