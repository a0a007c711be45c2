export const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

/** What of the new values is not as it was. */
export function differences<Values extends object>(before: object, after: Values): Partial<Values> {
  const was = before as Record<string, unknown>
  return Object.fromEntries(Object.entries(after).filter(([field, value]) => !same(value, was[field]))) as Partial<Values>
}
