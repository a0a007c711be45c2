import type { Problem } from '~/api/types.gen'

/** What the server says of a refused request; network failures become one as well. */
export type Refusal = Pick<Problem, 'type' | 'title' | 'status' | 'detail' | 'errors' | 'request_id'>

const OFFLINE: Refusal = { type: 'urn:pok:problem:offline', title: '', status: 0, detail: '', errors: [], request_id: '' }

/** The problem behind whatever was thrown. */
export function problemOf(error: unknown): Refusal {
  if (error && typeof error === 'object' && 'type' in error && 'status' in error) return error as Refusal
  return OFFLINE
}

/** The last part of a problem's type, such as "version-mismatch". */
export function problemKey(error: unknown): string {
  return problemOf(error).type.split(':').at(-1) ?? ''
}
