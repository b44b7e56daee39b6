/** What the gateway asks the reader of a record's version. */
import { Readable } from 'node:stream'
import type { ReaderPort } from '../reader-port.ts'
import type { Conditions } from './conditions.ts'

type Reader = Pick<ReaderPort, 'ask'>

/**
 * Whether a condition cannot hold any more: versions only rise, so a record that is beyond all that are asked for stays
 * there, however old the reader's answer is. What the reader cannot tell is left to the writer.
 */
export async function isStale(reader: Reader, id: string, { ifMatch }: Conditions): Promise<boolean> {
  if (ifMatch === undefined || ifMatch === '*') return false
  if (ifMatch.length === 0) return true
  const answer = await reader.ask({ method: 'HEAD', path: `/data/${encodeURIComponent(id)}`, headers: {} })
  if (answer.kind !== 'answer') return false
  if (answer.body instanceof Readable) answer.body.destroy()
  const version = /^"(\d{1,18})(?:-\d{1,2})?"$/.exec(String(answer.headers.etag))?.[1]
  return (
    answer.status === 200 && version !== undefined && ifMatch.every(each => BigInt(each) < BigInt(version))
  )
}

/** The version that an event has made, as an ETag; undefined when it made none, or nobody can tell now. */
export async function madeBy(reader: Reader, eventId: string): Promise<string | undefined> {
  const answer = await reader.ask({ method: 'HEAD', path: `/versions/${eventId}`, headers: {} })
  if (answer.kind !== 'answer') return undefined
  if (answer.body instanceof Readable) answer.body.destroy()
  return answer.status === 200 ? answer.headers.etag : undefined
}
