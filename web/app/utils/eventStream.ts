import { EventSourceParserStream, type EventSourceMessage } from 'eventsource-parser/stream'
import { client } from '~/api/client.gen'
import type { Refusal } from './problem'

/**
 * Server-sent events of one of our routes, as they arrive. Throws the problem with which the server refuses.
 * `alive` is called for everything that comes, heartbeats as well.
 */
export async function* eventsOf(path: string, options: RequestInit, alive: () => void = () => undefined): AsyncGenerator<EventSourceMessage> {
  const headers = { Accept: 'text/event-stream', ...options.headers }
  const response = await client.getConfig().fetch!(path, { ...options, headers })
  if (!response.ok || !response.body) throw (await response.json().catch(() => null)) as Refusal
  const reader = response.body
    .pipeThrough(new TransformStream<Uint8Array, Uint8Array>({ transform: (chunk, out) => (alive(), out.enqueue(chunk)) }))
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
    .pipeThrough(new EventSourceParserStream())
    .getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    void reader.cancel().catch(() => undefined)
  }
}
