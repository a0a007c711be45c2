/** A filter that lives in the address: it survives reload and the back button, and can be shared. */
export function useFilterParameter(name: string, fallback = '') {
  const route = useRoute()
  const router = useRouter()
  return computed<string>({
    get: () => {
      const value = route.query[name]
      return typeof value === 'string' ? value : fallback
    },
    set: (value) => void router.replace({ query: { ...route.query, [name]: value === fallback ? undefined : value || undefined } })
  })
}
