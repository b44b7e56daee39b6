/** The answer of a POST whose client waits for the outcome of its records. */
import type { FastifyReply } from 'fastify'
import { envelope } from '#dataservice/record/envelope.ts'
import type { PostAnswer } from '../answers.ts'
import type { OutcomeWatch, Place } from '../outcome-watch.ts'
import type { Submission } from '../submission.ts'
import { waitedAnswer } from '../waiting.ts'

export interface Waited {
  submission: Pick<Submission, 'drafts'>
  /** What the log said. */
  answer: PostAnswer
  seconds: number
  /** Status when the one record is stored. Default: 201. */
  storedCode?: 200
}

export interface WaitPorts {
  watch: Pick<OutcomeWatch, 'wait'>
  /** Where records change: the ETag of what an event has made. */
  versionOf?(eventId: string): Promise<string | undefined>
}

export async function sendWaited(
  reply: FastifyReply,
  { submission, answer, seconds, storedCode }: Waited,
  { watch, versionOf }: WaitPorts,
): Promise<void> {
  const positions = 'accepted' in answer ? answer.accepted : [answer]
  const places = submission.drafts.map(({ record }, index): Place => {
    const [partition = '', offset = ''] = positions[index]?.position?.split('-') ?? []
    const eventId = String(record.headers[envelope.eventId])
    return { partition: Number(partition), offset: BigInt(offset), eventId }
  })
  const end = new AbortController()
  const stop = () => end.abort()
  const timer = setTimeout(stop, seconds * 1_000)
  reply.raw.once('close', stop) // nobody waits any more
  const decided = await watch.wait(places, end.signal)
  clearTimeout(timer)
  reply.header('preference-applied', `wait=${seconds}`)
  const { code, body, id } = waitedAnswer(answer, decided)
  // A command names the URL of its record itself.
  if (id !== undefined && storedCode === undefined)
    reply.header('location', `/data/${encodeURIComponent(id)}`)
  const [place] = places
  if (versionOf && place && decided.length === 1 && decided[0]?.status === 'stored') {
    const etag = await versionOf(place.eventId)
    if (etag !== undefined) reply.header('etag', etag)
  }
  reply
    .code(code === 201 ? (storedCode ?? code) : code)
    .header('content-type', 'application/json')
    .send(JSON.stringify(body))
}
