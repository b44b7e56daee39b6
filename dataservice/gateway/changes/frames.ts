/** Server-sent events, as bytes (HTML standard, 9.2). Pure. */
import { type Gap, gapJson } from './start-position.ts'
import { type Vector, vectorText } from './vector.ts'

export const eventStreamType = 'text/event-stream'

/** Where a client stands after what follows; alone it is no event, and the client remembers it. */
export const idLine = (vector: Vector): Buffer => Buffer.from(`id: ${vectorText(vector)}\n`)

const data = Buffer.from('data: ')
const end = Buffer.from('\n\n')
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** A record without its id line. A body of several lines is several lines of data, which the client puts together. */
export function recordFrame(text: Buffer): Buffer {
  const isOneLine = !text.includes(lineFeed) && !text.includes(carriageReturn)
  const lines = isOneLine ? text : Buffer.from(text.toString().replaceAll(/\r\n|\r|\n/g, '\ndata: '))
  return Buffer.concat([data, lines, end])
}

/** Behind it the client stands at `vector`. */
export function gapFrame(gap: Gap, vector: Vector): Buffer {
  return Buffer.concat([idLine(vector), Buffer.from(`event: gap\ndata: ${JSON.stringify(gapJson(gap))}\n\n`)])
}

/** Tells a client where it stands while there is nothing for it, and keeps the connection alive. */
export const heartbeat = (vector: Vector): Buffer => Buffer.concat([idLine(vector), Buffer.from('\n')])

/** How long a client shall wait before it connects again. */
export const retryFrame = (milliseconds: number): Buffer =>
  Buffer.from(`retry: ${Math.round(milliseconds)}\n\n`)
