/** Twins of Kafka's administration in one process, and their user in another. Maps and offsets go as they are, which JSON could not. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { deserialize, serialize } from 'node:v8'
import { type InMemoryTopics, inMemoryTopics } from '#operator/topics/in-memory.ts'
import { type LogAddress, type TopicsPort, TopicsUnavailable } from '#operator/topics/port.ts'

export interface TopicsServer {
  url: string
  close(): Promise<void>
}

const methods = [
  'describe',
  'change',
  'health',
  'elect',
  'replicate',
  'room',
  'ends',
  'access',
  'changeAccess',
] as const

/** Serves the logs of all operators. */
export async function serveTopics(): Promise<TopicsServer> {
  const logs = new Map<string, InMemoryTopics>()
  const server = createServer(async (asked, answer) => {
    const method = methods.find(each => asked.url === `/${each}`)
    const given: unknown = deserialize(await buffer(asked))
    if (method === undefined || !Array.isArray(given)) return answer.writeHead(404).end()
    // The other side is the same port, a process away.
    const [log]: [LogAddress] = given as [LogAddress]
    const topics = logs.get(logOf(log)) ?? inMemoryTopics()
    logs.set(logOf(log), topics)
    const call = topics[method] as (...args: unknown[]) => Promise<unknown>
    await call(...given).then(
      value => answer.end(serialize(value)),
      (error: unknown) => answer.writeHead(503).end(serialize(String(error))),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Brokers of one log have one headless Service; which of them are asked changes. */
const logOf = ({ servers: [first = ''] }: LogAddress): string => first.replace(/^[^.]*\./, '')

/** The same topics, seen from the operator's process. */
export function remoteTopics(url: string): TopicsPort {
  const ask = async <Answer>(
    method: (typeof methods)[number],
    given: readonly unknown[],
  ): Promise<Answer> => {
    const answer = await fetch(`${url}/${method}`, { method: 'POST', body: new Uint8Array(serialize(given)) })
    const body: unknown = deserialize(Buffer.from(await answer.arrayBuffer()))
    if (!answer.ok) throw new TopicsUnavailable(String(body))
    return body as Answer
  }
  return {
    describe: (...given) => ask('describe', given),
    change: (...given) => ask('change', given),
    health: (...given) => ask('health', given),
    elect: (...given) => ask('elect', given),
    replicate: (...given) => ask('replicate', given),
    room: (...given) => ask('room', given),
    ends: (...given) => ask('ends', given),
    access: (...given) => ask('access', given),
    changeAccess: (...given) => ask('changeAccess', given),
  }
}
