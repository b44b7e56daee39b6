/** Asks the reader what the writers decided. */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Passed } from './outcome-watch.ts'
import type { ReaderPort } from './reader-port.ts'

/** What the reader answers (`reader/outcomes.ts`). */
const Answer = Type.Object({
  next: Type.String({ pattern: '^\\d{1,19}$' }),
  outcomes: Type.Array(
    Type.Object({
      offset: Type.String({ pattern: '^\\d{1,19}$' }),
      eventId: Type.Optional(Type.String()),
      status: Type.Union([
        Type.Literal('duplicate'),
        Type.Literal('conflict'),
        Type.Literal('refused'),
        Type.Literal('held'),
        Type.Literal('expired'),
        Type.Literal('key-reused'),
        Type.Literal('version-conflict'),
        Type.Literal('absent'),
      ]),
      winner: Type.Optional(Type.String()),
      reason: Type.Optional(Type.String()),
    }),
  ),
})

/** Undefined when the reader does not answer, or not in our words: then it is asked again. */
export function passedOutcomes(reader: Pick<ReaderPort, 'ask'>) {
  return async (partition: number, from: bigint, to: bigint): Promise<Passed | undefined> => {
    const value = await ask(reader, `/outcomes?partition=${partition}&from=${from}&to=${to}`)
    return Value.Check(Answer, value) ? passed(value) : undefined
  }
}

const Stored = Type.Object({ next: Type.Record(Type.String(), Type.String({ pattern: '^\\d{1,19}$' })) })

/** By partition, the offset below which everything has its outcome; undefined as with `passedOutcomes`. */
export function storedOffsets(reader: Pick<ReaderPort, 'ask'>) {
  return async (): Promise<ReadonlyMap<number, bigint> | undefined> => {
    const value = await ask(reader, '/stored')
    if (!Value.Check(Stored, value)) return undefined
    return new Map(Object.entries(value.next).map(([partition, next]) => [Number(partition), BigInt(next)]))
  }
}

async function ask(reader: Pick<ReaderPort, 'ask'>, path: string): Promise<unknown> {
  const answer = await reader.ask({ method: 'GET', path, headers: {} })
  if (answer.kind !== 'answer') return undefined
  try {
    const text = await textOf(answer.body)
    return answer.status === 200 ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

function passed({ next, outcomes }: Static<typeof Answer>): Passed {
  return {
    next: BigInt(next),
    outcomes: outcomes.map(({ offset, eventId, ...decided }) => ({
      ...decided,
      offset: BigInt(offset),
      eventId,
    })),
  }
}

async function textOf(body: Buffer | AsyncIterable<Buffer>): Promise<string> {
  if (Buffer.isBuffer(body)) return body.toString()
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
