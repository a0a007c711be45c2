/** What a saved reply may hold for the dashboard to fill in. */
export const REPLY_VARIABLES = ['customer_name', 'reference', 'subject', 'agent_name'] as const
export type ReplyVariable = (typeof REPLY_VARIABLES)[number]

export interface ReplyPart { text: string, variable: boolean, known: boolean }

/** A reply cut into its texts and its variables, these with their values filled in where there are any. */
export function replyParts(body: string, values: Partial<Record<ReplyVariable, string>> = {}): ReplyPart[] {
  return body.split(/(\{\{.*?\}\})/s).filter(Boolean).map((piece) => {
    const name = /^\{\{(.*?)\}\}$/s.exec(piece)?.[1]?.trim()
    if (name === undefined) return { text: piece, variable: false, known: true }
    const known = (REPLY_VARIABLES as readonly string[]).includes(name)
    return { text: (known && values[name as ReplyVariable]) || piece, variable: true, known }
  })
}
