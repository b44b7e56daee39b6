/**
 * `/probe`: records that readers send through the whole service to see whether it works. They have a topic and a table of
 * their own. Only who has the inner key finds it; for everybody else there is nothing here.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { carriesKey } from '#dataservice/platform/http/inner-key.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { LogAppender } from '#dataservice/platform/kafka/port.ts'
import { probePath } from '#dataservice/record/probe.ts'
import { retryAfterSeconds } from './answers.ts'
import type { ReaderPort } from './reader-port.ts'
import { readData } from './routes/read-data.ts'

export interface ProbePorts {
  /** Of readers of this service. */
  key: string
  log: ProbeLog
}

export interface ProbeLog {
  /** Puts it into the partition. Rejects with a Problem. */
  append(id: string, partition: number): Promise<void>
}

/** Opens the topic at the first probe: a gateway that none comes to has no connection for them. */
export function probeLog(open: () => Promise<LogAppender>, waitMs = 4_500): ProbeLog {
  let opening: Promise<LogAppender> | undefined
  return {
    async append(id, partition) {
      opening ??= open()
      opening.catch(() => {
        opening = undefined
      })
      const outcome = await inTime(
        waitMs,
        opening.then(log => put(log, id, partition)),
      )
      if (outcome === 'appended') return
      throw new Problem(outcome === 'unknown' ? 'outcome-unknown' : 'log-unavailable', {
        retryAfter: retryAfterSeconds,
      })
    },
  }
}

async function put(log: LogAppender, id: string, wanted: number): Promise<string> {
  if (log.partitions === 0) return 'refused'
  const partition = wanted % log.partitions
  const record = { key: Buffer.from(id), value: Buffer.from(id), headers: {} }
  return (await log.append(new Map([[partition, [record]]]))).get(partition)?.kind ?? 'unknown'
}

function inTime(waitMs: number, work: Promise<string>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(() => resolve('unknown'), waitMs)
  return Promise.race([work.catch(() => 'refused'), promise]).finally(() => clearTimeout(timer))
}

/** Must be registered like every route; `CallerGuard` lets it through by its option. */
export function probeRoutes(app: FastifyInstance, { key, log }: ProbePorts, reader: ReaderPort): void {
  const isOurs = carriesKey(key)
  const options = {
    config: { inner: true },
    onRequest: async (request: FastifyRequest) => {
      if (!isOurs(request)) throw new Problem('not-found')
    },
  }
  app.get(probePath, { ...options, handler: readData(reader) })
  app.post(probePath, {
    ...options,
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { id, partition } = asked(request)
      await log.append(id, partition)
      return reply.code(202).send(Buffer.from('{}'))
    },
  })
}

function asked({ raw }: FastifyRequest): { id: string; partition: number } {
  const query = new URL(raw.url ?? '/', 'http://inner').searchParams
  const id = query.get('id') ?? ''
  const partition = Number(query.get('partition') ?? 0)
  if (!/^[A-Za-z0-9-]{1,64}$/.test(id) || !Number.isInteger(partition) || partition < 0)
    throw new Problem('bad-request')
  return { id, partition }
}
