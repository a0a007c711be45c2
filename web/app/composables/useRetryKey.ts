/**
 * The Idempotency-Key under which something is sent: the same for every retry and after a reload, so that it is stored
 * once; a new one when the words have changed.
 */
export function useRetryKey(name: string) {
  const attempt = useSessionStorage(`pok-attempt-${name}`, { key: '', body: '' })

  function keyFor(body: unknown): string {
    const words = JSON.stringify(body)
    if (attempt.value.body !== words) attempt.value = { key: randomKey(), body: words }
    return attempt.value.key
  }

  return { keyFor, forgetKey: () => (attempt.value = { key: '', body: '' }) }
}
