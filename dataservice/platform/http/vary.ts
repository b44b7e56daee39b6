/** The header `Vary`, to which several parts of a process add. */
import type { FastifyReply } from 'fastify'

/** Says that answers differ by these request headers, too. */
export function addVary(reply: FastifyReply, fields: string): void {
  const known = reply.getHeader('vary')
  reply.header('vary', known === undefined ? fields : `${known}, ${fields}`)
}
