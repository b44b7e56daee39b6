/** Sends a text that is at hand as bytes. */
import type { FastifyReply } from 'fastify'

/** To decode more than this would cost what is saved. */
const shortBytes = 2 * 1024

const asItIs = (text: string): string => text

/**
 * Sends bytes of UTF-8 as they are. Node writes a string together with the head of its answer, but bytes as a second
 * piece, which costs more (`docs/performance.md`): short ones leave as a string. The serializer keeps Fastify from adding
 * a charset.
 */
export function sendText(reply: FastifyReply, utf8: Buffer): FastifyReply {
  if (utf8.length > shortBytes) return reply.send(utf8)
  return reply.serializer(asItIs).send(utf8.toString())
}
