/** The gateway against one of the same function in Go: net/http, franz-go and a library for JSON Schema. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from '#e2e/cluster/binaries.ts'
import { testRecord } from '#e2e/engines/service-settings.ts'
import { root } from '#tools/workspace.ts'
import type { Contest, Size } from './contest.ts'
import { startPeerProgram } from './peer.ts'
import { keptIn, posted, postsOf, startGateway, startLog } from './posting.ts'

const source = join(root, 'e2e/bench/peers/gateway')

export async function gatewayGoBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const folder = await ensureBuilt('bench-gateway', { version: '1', programs: { gateway: '.' } }, source)
  const log = await startLog(resources)
  const ours = await startGateway(log, resources)
  const environment = {
    BROKERS: log.brokers.join(','),
    TOPIC: log.topic,
    SCHEMA: JSON.stringify(testRecord.schema),
    KEY: testRecord.key.slice(1),
    SECRET: 'a secret of 32 bytes for the peer',
  }
  const peer = await startPeerProgram({ program: join(folder, 'gateway'), args: [] }, environment, resources)
  const load = postsOf(256, size)
  return [
    {
      name: 'gateway-go',
      metric: 'CPU µs of the server for each request',
      gate: 0.77,
      ours: keptIn(log, posted(ours, load, 'gateway')),
      peer: keptIn(log, posted(peer, load, versions())),
    },
  ]
}

/** As its go.mod pins them. */
function versions(): string {
  const text = readFileSync(join(source, 'go.mod'), 'utf8')
  const versionOf = (module: string) => text.match(new RegExp(`${module} v(\\S+)`))?.[1]
  const [kafka, schema] = [versionOf('twmb/franz-go'), versionOf('santhosh-tekuri/jsonschema/v6')]
  return `Go net/http, franz-go ${kafka}, santhosh-tekuri/jsonschema ${schema}`
}
