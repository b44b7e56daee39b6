/** The gateway's routes as a plugin; tests drive it by `inject`. */
import type { FastifyInstance } from 'fastify'
import type { Asset, DocsAsset } from '#dataservice/platform/http/docs-assets.ts'
import { getChangesPage, getEventStream } from './api/change-operations.ts'
import { deleteRecord, getHistory, patchRecord, putRecord } from './api/command-operations.ts'
import { postRecords } from './api/post-operation.ts'
import { getRecord, getStatus, listRecords } from './api/read-operations.ts'
import { type Operation, type Route, register, type ServiceFacts } from './api/table.ts'
import { allowOrigins, type CorsRules } from './callers/cors.ts'
import { type CallerGuard, guardCallers } from './callers/guard.ts'
import type { Following } from './changes/following.ts'
import { type ChangePorts, changeData, methodsBeside } from './commands/change-data.ts'
import { madeBy } from './commands/version.ts'
import type { ChangeHeaders, ChangeKind } from './event-headers.ts'
import { OutcomeWatch } from './outcome-watch.ts'
import { passedOutcomes } from './passed-outcomes.ts'
import { type ProbePorts, probeRoutes } from './probes.ts'
import type { ReaderPort } from './reader-port.ts'
import { documentRoutes } from './routes/documents.ts'
import { getChanges } from './routes/get-changes.ts'
import { getStream } from './routes/get-stream.ts'
import { type PostPorts, postData } from './routes/post-data.ts'
import { readData } from './routes/read-data.ts'

export interface GatewayPorts extends Omit<PostPorts, 'watch' | 'versionOf'> {
  reader: ReaderPort
  /** Serves those who follow what is stored. */
  following: Following
  /** What the API document follows from. */
  facts: ServiceFacts
  /** A file of the page `/docs`. */
  asset(name: DocsAsset): Promise<Asset>
  /** Absent: everybody may call. */
  guard?: CallerGuard
  /** Absent: web pages of other origins get nothing. */
  cors?: CorsRules
  /** Where records change: headers of the commands that change them. */
  commands?: ChangeHeaders
  /** Records that only tell whether the service works. */
  probes?: ProbePorts
}

/** Who follows the log needs the scope for it, and may be limited to records of one key. */
const following = { scope: 'stream', ownRecords: true } as const

/** Every call that the gateway answers. A row here stands in the router and in the API document. */
function routes(maxBodyBytes: number, ports: GatewayPorts): Route[] {
  const read = { config: { ownRecords: true }, handler: readData(ports.reader) }
  const watch = new OutcomeWatch({ ask: passedOutcomes(ports.reader) })
  const { commands, reader } = ports
  const posting: PostPorts = {
    ...ports,
    watch,
    ...(commands && { versionOf: eventId => madeBy(reader, eventId) }),
  }
  const post = postData(maxBodyBytes, posting)
  const changes = commands ? changeMethods(maxBodyBytes, { ...posting, reader, shared: commands }) : {}
  const table: Route[] = [
    {
      url: '/data',
      methods: {
        GET: { handler: read, operations: { '/data': listRecords } },
        POST: { handler: post, operations: { '/data': postRecords } },
      },
    },
    {
      url: '/data/*',
      methods: {
        GET: {
          handler: read,
          operations: {
            '/data/{id}': getRecord,
            '/data/{id}/status': getStatus,
            ...(commands && { '/data/{id}/events': getHistory }),
          },
        },
        ...changes,
      },
      ...(commands && { fewer: methodsBeside }),
    },
    // A record may be called as one of them is.
    ...followRoutes(ports.following, changes),
    ...documentRoutes({ facts: ports.facts, asset: ports.asset, table: () => table }),
  ]
  return table
}

/** How the log is followed. */
function followRoutes({ changes, streams }: Following, others: Route['methods']): Route[] {
  const handlers = {
    '/data/changes': { handler: getChanges(changes), operation: getChangesPage },
    '/data/stream': { handler: getStream(streams), operation: getEventStream },
  }
  return Object.entries(handlers).map(([url, { handler, operation }]) => ({
    url,
    methods: {
      GET: { handler: { config: following, handler }, operations: { [url]: operation } },
      ...documentedAt(url, others),
    },
  }))
}

/** The calls of a record whose id is a word of ours: as of any record, and told at the URL that the word has. */
function documentedAt(url: string, methods: Route['methods']): Route['methods'] {
  const word = url.slice(url.lastIndexOf('/') + 1)
  const here = (operation: (facts: ServiceFacts) => Operation) => (facts: ServiceFacts) => {
    const { operationId, summary, parameters = [], ...rest } = operation(facts)
    return {
      ...rest,
      operationId: `${operationId}_${word}`,
      summary: `${summary} with the id ${word}`,
      parameters: parameters.filter(({ in: place }) => place !== 'path'),
    }
  }
  return Object.fromEntries(
    Object.entries(methods).map(([method, { handler, operations }]) => [
      method,
      {
        handler,
        operations: Object.fromEntries(Object.values(operations).map(operation => [url, here(operation)])),
      },
    ]),
  )
}

/** How a record changes. */
function changeMethods(maxBodyBytes: number, ports: ChangePorts): Route['methods'] {
  const handler = (kind: ChangeKind) => changeData(kind, maxBodyBytes, ports)
  return {
    PUT: { handler: handler('replace'), operations: { '/data/{id}': putRecord } },
    PATCH: { handler: handler('merge'), operations: { '/data/{id}': patchRecord } },
    DELETE: { handler: handler('delete'), operations: { '/data/{id}': deleteRecord } },
  }
}

export async function gateway(app: FastifyInstance, ports: GatewayPorts): Promise<void> {
  if (ports.cors) await allowOrigins(app, ports.cors)
  if (ports.guard) guardCallers(app, ports.guard)
  register(app, routes(app.initialConfig.bodyLimit ?? 0, ports))
  if (ports.probes) probeRoutes(app, ports.probes, ports.reader)
}
