/**
 * `POST /data` with `Prefer: stream`: lines of any number, one line of result for each batch while the next ones come.
 * The body is read only as fast as the client reads the results, so a stream of any length takes little memory.
 */
import { Readable } from 'node:stream'
import { Problem, problemOf } from '#dataservice/platform/http/problems.ts'
import { Gathered } from '#dataservice/platform/http/whole-body.ts'
import type { Acks } from '#dataservice/platform/kafka/port.ts'
import { bodyBounds } from '#dataservice/record/scan.ts'
import type { Accumulator } from '../accumulator.ts'
import { durabilityOf, postAnswer, retryAfterSeconds } from '../answers.ts'
import type { Submission } from '../submission.ts'

/** Room that one stream takes in the budget: an unfinished line, a batch, and what the sockets hold. */
export const streamBytes = 2 * 1024 * 1024
const newline = 0x0a
const lineEnd = Buffer.from('\n')
/** After a problem so much more is read: a connection that ends over unread bytes takes the last line along. */
const partingBytes = 8 * 1024 * 1024

export interface StreamPorts {
  accumulator: Pick<Accumulator, 'append'>
  /** True while the log holds records too old to risk more (`log-guard.ts`). */
  isLogFull(): boolean
  /** True when this pod is about to stop. */
  isDraining(): boolean
  /** Replicas of the log. */
  replicas(): number
}

export interface StreamAsked {
  /** What the client chose. */
  acks?: Acks
  /** Judges lines that come after `first` records. */
  read(lines: Buffer, first: number): Submission
  /** Hears of a failure that is ours. */
  report(error: unknown): void
}

/**
 * The result lines of a body of lines: `{"first","accepted":[…]}`, or `{"first","problem":{…}}` as the last one.
 * `first` is the number of records before the batch. All before a problem is in the log; of the batch of the problem
 * what the problem says; nothing after it.
 */
export function resultLines(body: Readable, ports: StreamPorts, asked: StreamAsked): Readable {
  return Readable.from(results(body, ports, asked), { objectMode: false, highWaterMark: 16 * 1024 })
}

async function* results(body: Readable, ports: StreamPorts, asked: StreamAsked): AsyncGenerator<Buffer> {
  let first = 0
  try {
    for await (const lines of wholeLines(body)) {
      const { count, ...answer } = await appended(asked.read(lines, first), ports, asked)
      yield line({ first, ...answer })
      first += count
    }
  } catch (error) {
    const { code, document } = problemOf(error)
    if (code === 'internal' && !body.errored) asked.report(error)
    // The status is long gone: the last line says how it ended.
    yield line({ first, problem: document })
    await readOn(body)
  }
}

const line = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

async function appended(
  submission: Submission,
  { accumulator, isLogFull, isDraining, replicas }: StreamPorts,
  { acks }: StreamAsked,
) {
  if (isDraining()) throw new Problem('going-away', { retryAfter: retryAfterSeconds })
  if (isLogFull()) throw new Problem('log-full', { retryAfter: 30 })
  const outcomes = accumulator.append(submission.drafts, acks)
  if (outcomes === undefined) throw new Problem('overloaded', { retryAfter: retryAfterSeconds })
  const answer = postAnswer({ ids: submission.ids, isList: true }, await outcomes)
  const durability = acks === undefined ? {} : { durability: durabilityOf(acks, replicas()) }
  return { count: submission.ids.length, ...answer, ...durability }
}

/** The chunks of the body, without ending its connection: the answer still goes out there. */
const chunks = (body: Readable): AsyncIterable<Buffer> => body.iterator({ destroyOnReturn: false })

/** Pieces of the body that end with a line and have no more records than a body may have. */
async function* wholeLines(body: Readable): AsyncGenerator<Buffer> {
  const kept = new Gathered()
  for await (const chunk of chunks(body)) {
    const end = chunk.lastIndexOf(newline) + 1
    if (end > 0) {
      kept.add(chunk.subarray(0, end))
      yield* batches(kept.take())
    }
    kept.add(chunk.subarray(end))
    if (kept.size > bodyBounds.recordBytes)
      throw new Problem('payload-too-large', {
        detail: `A line has more than ${bodyBounds.recordBytes} bytes.`,
      })
  }
  kept.add(lineEnd)
  yield* batches(kept.take())
}

/** Cuts lines where a batch is full; blank lines alone are no batch. */
function* batches(lines: Buffer): Generator<Buffer> {
  let start = 0
  let count = 0
  for (let at = lines.indexOf(newline); at >= 0; at = lines.indexOf(newline, at + 1)) {
    count += 1
    if (count < bodyBounds.records && at + 1 < lines.length) continue
    const batch = lines.subarray(start, at + 1)
    if (!isBlank(batch)) yield batch
    start = at + 1
    count = 0
  }
}

/** Only white space as JSON knows it. */
const isBlank = (lines: Buffer): boolean =>
  lines.every(byte => byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09)

async function readOn(body: Readable): Promise<void> {
  let bytes = 0
  try {
    for await (const chunk of chunks(body)) {
      bytes += chunk.length
      if (bytes > partingBytes) return
    }
  } catch {
    // The client is gone, and knows.
  }
}
