/** Kafka clients as producers through our port: every one that installs, against ours. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { nodeFlags } from '#dataservice/contract/names.ts'
import { versions } from '#tools/versions.ts'
import { root } from '#tools/workspace.ts'
import type { ClientName } from './clients/clients.ts'
import { installed, reasonOf } from './clients/install.ts'
import type { Absent, Contender, Contest, Size } from './contest.ts'
import { measured } from './measured.ts'
import { keptIn, type Log, partitions, startLog } from './posting.ts'

/** In whole batches for each partition. */
const records: Readonly<Record<Size, number>> = { smoke: 120_000, full: 600_000 }
const bytes = 256
/** Ours may cost so much more than the leanest. */
const gate = 1 / 1.2

interface Peer {
  version: string
  /** Native code, not a dependency of ours. */
  isNative?: boolean
}

const peers: Readonly<Partial<Record<ClientName, Peer>>> = {
  '@platformatic/kafka': { version: versions['@platformatic/kafka'] },
  kafkajs: { version: versions.kafkajs },
  '@confluentinc/kafka-javascript': { version: '1.10.1', isNative: true },
  'node-rdkafka': { version: '3.6.1', isNative: true },
}

export async function kafkaClientsBench(
  size: Size,
  resources: AsyncDisposableStack,
): Promise<(Contest | Absent)[]> {
  const log = await startLog(resources)
  const ours = await producing({ CLIENT: 'ours' }, 'ours', { log, count: records[size], resources })
  const entries: (Contest | Absent)[] = []
  for (const [client, { version, isNative }] of Object.entries(peers)) {
    const name = `kafka-clients-${client.replace(/^@/, '').replace('/', '-')}`
    try {
      const folder = isNative ? { FOLDER: await installed(client, version) } : {}
      const parts = { log, count: records[size], resources }
      const peer = await producing({ CLIENT: client, ...folder }, `${client} ${version}`, parts)
      entries.push({ name, metric: 'CPU µs of the client for each record', gate, ours, peer })
    } catch (error) {
      entries.push({ name, absent: `${client} ${version}`, reason: reasonOf(error) })
    }
  }
  return entries
}

interface Parts {
  log: Log
  count: number
  resources: AsyncDisposableStack
}

/** A process with this client; what it costs is its CPU, native threads included. */
async function producing(
  environment: Readonly<Record<string, string>>,
  version: string,
  { log, count, resources }: Parts,
): Promise<Contender> {
  const child = fork(join(root, 'e2e/bench/clients/producing.ts'), {
    execArgv: [...nodeFlags('gateway')],
    env: {
      ...process.env,
      BROKERS: log.brokers.join(','),
      TOPIC: log.topic,
      PARTITIONS: String(partitions),
      BYTES: String(bytes),
      ...environment,
    },
  })
  resources.defer(() => void child.kill('SIGKILL'))
  const exited = once(child, 'exit').then(() => {
    throw new Error(`${version} ended; its message is above`)
  })
  exited.catch(() => {}) // told where it is waited for
  const heard = async () => {
    const [word] = await Promise.race([once(child, 'message'), exited])
    return String(word)
  }
  await heard()
  const { pid } = child
  if (pid === undefined) throw new Error(`${version} could not be started`)
  return keptIn(log, {
    version,
    round: () =>
      measured([pid], count, async () => {
        child.send(count)
        const word = await heard()
        if (word !== 'done') throw new Error(`${version}: ${word}`)
      }),
  })
}
