/** The reader's adapters. */
import { credentialFiles } from '#dataservice/contract/names.ts'
import { type Circuit, makeCircuit } from '#dataservice/platform/circuit.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { innerKey } from '#dataservice/platform/http/inner-key.ts'
import { ProbeClient } from '#dataservice/platform/http/probe-client.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { isLost } from '#dataservice/platform/postgres/failure.ts'
import { guardedReads, type Reads, readsWithFallback } from '#dataservice/platform/postgres/reads.ts'
import { start as startReader } from '#dataservice/reader/role.ts'
import { sharedCache } from './cache.ts'
import { told } from './circuits.ts'
import { connectTo } from './store.ts'

export async function start(context: RoleContext, environment: Environment): Promise<Running> {
  const databases = reads(context, environment)
  const circuit = (name: string) => makeCircuit({ isFailure: isLost, onChange: told(context.log, name) })
  // Of their own: a primary that is away must not keep the replica from answering.
  const circuits = { store: circuit('store'), ...(databases.primary && { primary: circuit('primary') }) }
  const cache = sharedCache(context, environment, circuits)
  const probed = probedGateway(context)
  return startReader(context, {
    ...guarded(databases, circuits),
    cache,
    ...(probed && { probed }),
    listen: { port: environment.httpPort },
  })
}

function probedGateway(context: RoleContext): ProbeClient | undefined {
  const { settings, certificates } = context
  const { probe } = settings
  if (probe === undefined) return undefined
  const key = innerKey(context.credential(credentialFiles.cursorKey), 'probes')
  const tls = certificates && { tls: certificates.context }
  const client = new ProbeClient({ url: probe.gatewayUrl, key, ...tls })
  certificates?.onChange(() => client.renew())
  context.onClose('the way to the gateway', () => client.close())
  return client
}

interface ReaderDatabases {
  database: Reads
  primary?: Reads
}

interface ReaderCircuits {
  store: Circuit
  primary?: Circuit
}

function guarded({ database, primary }: ReaderDatabases, circuits: ReaderCircuits): ReaderDatabases {
  return {
    database: guardedReads(database, circuits.store),
    ...(primary && circuits.primary && { primary: guardedReads(primary, circuits.primary) }),
  }
}

/** Where the reader asks: the replica, with the primary behind it where they are two. */
function reads(context: RoleContext, environment: Environment): ReaderDatabases {
  const { primary, replica, poolSize } = context.settings.store
  const way = { user: 'reader', poolSize: poolSize.reader } as const
  const first = connectTo({ ...way, address: replica }, context, environment)
  if (replica.host === primary.host && replica.port === primary.port) return { database: first }
  const behind = connectTo({ ...way, address: primary }, context, environment)
  const database = readsWithFallback(first, behind, {
    now: () => performance.now(),
    onAway: failure => context.log.warn({ err: failure }, 'the replica is away: the primary answers'),
  })
  return { database, primary: behind }
}
