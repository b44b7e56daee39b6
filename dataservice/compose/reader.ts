/** The reader's adapters. */
import { type Circuit, makeCircuit } from '#dataservice/platform/circuit.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { guardedReads, isLost, type Reads, readsWithFallback } from '#dataservice/platform/postgres/reads.ts'
import { start as startReader } from '#dataservice/reader/role.ts'
import { sharedCache } from './cache.ts'
import { told } from './circuits.ts'
import { connectTo } from './store.ts'

export async function start(context: RoleContext, environment: Environment): Promise<Running> {
  const databases = reads(context)
  const store = makeCircuit({ isFailure: isLost, onChange: told(context.log, 'store') })
  const cache = sharedCache(context, environment, { store })
  return startReader(context, { ...guarded(databases, store), cache, listen: { port: environment.httpPort } })
}

interface ReaderDatabases {
  database: Reads
  primary?: Reads
}

function guarded({ database, primary }: ReaderDatabases, circuit: Circuit): ReaderDatabases {
  return {
    database: guardedReads(database, circuit),
    ...(primary && { primary: guardedReads(primary, circuit) }),
  }
}

/** Where the reader asks: the replica, with the primary behind it where they are two. */
function reads(context: RoleContext): ReaderDatabases {
  const { primary, replica, poolSize } = context.settings.store
  const first = connectTo(replica, context, 'reader', poolSize.reader)
  if (replica.host === primary.host && replica.port === primary.port) return { database: first }
  const behind = connectTo(primary, context, 'reader', poolSize.reader)
  const database = readsWithFallback(first, behind, {
    now: () => performance.now(),
    onAway: failure => context.log.warn({ err: failure }, 'the replica is away: the primary answers'),
  })
  return { database, primary: behind }
}
