/** Hops that are encrypted: what the network shows of a service under load, and what its users see of another authority. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { ports } from '#dataservice/contract/names.ts'
import { probePath } from '#dataservice/record/probe.ts'
import { serviceAddress } from '#e2e/stack/address.ts'
import type { ServiceRef } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { capture, type Segment } from './capture.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { settledIn, since } from './settled.ts'
import { declare, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service: ServiceRef = { namespace: 'encrypted', name: 'hops' }
const inNamespace = async (...args: string[]): Promise<string> =>
  (await cluster()).kubectl(['-n', service.namespace, ...args])

let ledger: Ledger
let url = ''

beforeAll(async () => {
  const kubernetes = await cluster()
  // With replicas of Postgres the log of the database goes over the network, too.
  const postgres = {
    managed: {
      instances: 2,
      storage: { size: '1Gi' },
      resources: { requests: { cpu: '50m', memory: '256Mi' } },
    },
  }
  await declare(kubernetes, service, { security: { tls: 'Internal' }, postgres })
  await whenReady(kubernetes, service)
  url = (await serviceAddress(kubernetes, service.namespace, `${service.name}-gateway`)).url
  ledger = await openLedger(kubernetes, service)
})
afterAll(async () => {
  await (await cluster()).kubectl(['delete', 'namespace', service.namespace, '--wait=false'])
})

interface Pod {
  name: string
  address: string
  node: string
}

async function pods(): Promise<Pod[]> {
  const { items } = JSON.parse(await inNamespace('get', 'pods', '-o', 'json')) as {
    items: {
      metadata: { name: string }
      spec: { nodeName?: string }
      status: { podIP?: string; phase?: string }
    }[]
  }
  return items.flatMap(
    ({ metadata: { name }, spec: { nodeName: node }, status: { podIP: address, phase } }) =>
      phase === 'Running' && address !== undefined && node !== undefined ? [{ name, address, node }] : [],
  )
}

/** What only plain text shows: records, HTTP, SQL, RESP, and the names that Kafka's and Postgres' requests carry. */
const plainTexts = [
  '"origin":"',
  ' HTTP/1.1\r\n',
  'HTTP/1.1 200',
  'authorization: ',
  'SELECT ',
  'INSERT INTO',
  'COPY records',
  'dataservice_writer',
  'dataservice_reader',
  '\r\nMGET\r\n',
  '\r\nmget\r\n',
  'encrypted.hops:',
  'encrypted.hops.events',
  'encrypted.hops.writer',
]

/** Handshakes and records of TLS begin so; Postgres asks for TLS in one word before them, and answers in one letter. */
const isTls = ({ payload }: Segment): boolean =>
  payload.length >= 3 && (payload[0] ?? 0) >= 20 && (payload[0] ?? 0) <= 23 && payload[1] === 3

test('during load no packet between the parts shows a record, a request or a statement', async () => {
  const kubernetes = await cluster()
  const all = await pods()
  const nodes = [...new Set(all.map(({ node }) => node))]
  const seen = await capture(
    kubernetes,
    nodes,
    all.map(({ address }) => address),
    async () => {
      await ledger.post(500)
      for (const id of ledger.acknowledged().slice(-50)) await (await fetch(`${url}/data/${id}`)).text()
      for (let page = 0; page < 10; page++) await (await fetch(`${url}/data?limit=100`)).text()
      await ledger.balanced()
    },
  )
  const gateways = all.filter(({ name }) => name.includes('-gateway-')).map(({ address }) => address)
  /** Callers from outside, and those who scrape and probe: no hop between parts. */
  const isOutside = ({ from, to, fromPort, toPort }: Segment): boolean =>
    [fromPort, toPort].includes(ports.telemetry) ||
    (toPort === ports.http && gateways.includes(to)) ||
    (fromPort === ports.http && gateways.includes(from))
  const showing = (segment: Segment) => plainTexts.filter(text => segment.payload.includes(text))
  const outside = seen.filter(isOutside)
  const hops = seen.filter(segment => !isOutside(segment))
  // Where callers are let in without TLS the capture shows what it is looked through for.
  expect(outside.some(segment => showing(segment).includes('"origin":"'))).toBe(true)
  // The key in a probe record's question is for readers alone: they have another way in.
  expect(outside.filter(segment => segment.payload.includes(probePath))).toEqual([])
  const shown = hops.flatMap(segment => showing(segment).map(text => `${hopOf(segment, all)}: ${text}`))
  expect([...new Set(shown)]).toEqual([])
  const talked = new Map<string, number>()
  for (const segment of hops.filter(isTls))
    talked.set(hopOf(segment, all), (talked.get(hopOf(segment, all)) ?? 0) + 1)
  step(`${hops.length} packets between the parts: ${[...talked].map(([hop, n]) => `${hop} ${n}`).join(', ')}`)
  for (const hop of [
    'gateway-kafka',
    'gateway-reader',
    'writer-kafka',
    'writer-postgres',
    'reader-postgres',
    'reader-redis',
  ])
    expect([...talked.keys()]).toContain(hop)
})

/** `gateway-kafka`: who asks whom. */
function hopOf({ from, to, fromPort, toPort }: Segment, all: readonly Pod[]): string {
  const part = (address: string): string =>
    all.find(pod => pod.address === address)?.name.split('-')[1] ?? 'another'
  return toPort < fromPort ? `${part(from)}-${part(to)}` : `${part(to)}-${part(from)}`
}

/** Asks and posts while `work` goes on; answers what failed. */
async function underLoad(title: string, work: () => Promise<void>): Promise<string[]> {
  const failures: string[] = []
  let asked = 0
  let isOver = false
  const reading = (async () => {
    for (let turn = 0; !isOver; turn++) {
      const ids = ledger.acknowledged()
      const path = turn % 2 === 0 ? '/data?limit=5' : `/data/${ids[turn % ids.length]}`
      const status = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(20_000) }).then(
        async answer => {
          await answer.text()
          return answer.status
        },
        String,
      )
      if (status !== 200) failures.push(`GET ${path}: ${status}`)
      asked += 1
      await delay(20)
    }
  })()
  const load = ledger.startLoad()
  const began = Date.now()
  try {
    await work()
  } finally {
    await load.stop()
    isOver = true
    await reading
  }
  const posts = load.answers
  failures.push(
    ...posts.filter(({ status }) => status !== 202).map(({ status, said }) => `POST: ${status} ${said}`),
  )
  step(`${title} within ${since(began)}: ${posts.length} POSTs, ${asked} GETs, ${failures.length} failed`)
  return failures
}

/** A kubelet looks at the Secrets of a pod when anything of the pod changes; else it does within its own minute. */
async function look(): Promise<void> {
  await inNamespace('annotate', 'pods', '--all', '--overwrite', `example.test/look=${Date.now()}`)
  await delay(3_000)
}

test('another authority takes over under load, and no request fails and no pod restarts', async () => {
  const before = await starts()
  const failures = await underLoad('another authority', async () => {
    await inNamespace('annotate', `dsvc/${service.name}`, 'dataservice.dev/rotate-authority=now')
    await settledIn(400_000, async () => {
      await look()
      const found = await readStatus()
      expect(found.encrypted).toBe('CertificatesValid')
      expect(found.authority).toBe(2)
    })
    await settledIn(120_000, async () => {
      await look()
      for (const { name } of await pods()) expect(await taken(name), name).toBeGreaterThanOrEqual(steps)
    })
  })
  expect(failures).toEqual([])
  expect(await starts()).toEqual(before)
  await ledger.balanced()
})

test('other passwords take over under load: no request fails, no engine restarts, and the old ones open nothing', async () => {
  const engines = 'app.kubernetes.io/component in (kafka,postgres,redis)'
  const before = await starts(engines)
  const secret = await inNamespace('get', `secret/${service.name}-credentials`, '-o', 'json')
  const { data } = JSON.parse(secret) as { data: Record<string, string> }
  const failures = await underLoad('other passwords', async () => {
    await inNamespace('annotate', `dsvc/${service.name}`, 'dataservice.dev/rotate-passwords=now')
    await settledIn(400_000, async () => {
      await look()
      expect((await readStatus()).passwords).toBe('PasswordsNew')
    })
  })
  expect(failures).toEqual([])
  expect(await starts(engines)).toEqual(before)
  for (const who of ['owner', 'writer', 'reader', 'replication']) {
    const password = Buffer.from(data[`postgres-${who}-password`] ?? '', 'base64').toString()
    const login = `PGPASSWORD=${password} PGSSLMODE=disable psql -h 127.0.0.1 -U dataservice_${who} -d dataservice -c 'SELECT 1'`
    const answer = inNamespace('exec', `${service.name}-postgres-0`, '--', 'sh', '-c', login)
    await expect(answer, who).rejects.toThrow('authentication failed')
  }
  await ledger.balanced()
})

/** Both are trusted, the new one signs, the old one goes. */
const steps = 3

/** How often a pod has said that it uses new certificates. */
async function taken(pod: string): Promise<number> {
  const log = await inNamespace('logs', pod)
  return log.split('new certificates are in use').length - 1
}

async function readStatus() {
  const { status } = JSON.parse(await inNamespace('get', `dsvc/${service.name}`, '-o', 'json')) as DataService
  const encrypted = status?.conditions?.find(({ type }) => type === 'Encrypted')?.reason
  const passwords = status?.conditions?.find(({ type }) => type === 'PasswordsRotated')?.reason
  return { encrypted, passwords, authority: status?.security?.authority }
}

/** Which pods there are, and how often their containers were started. */
async function starts(labels = ''): Promise<string> {
  const field =
    'jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{"\\n"}{end}'
  const lines = await inNamespace(
    'get',
    'pods',
    '--field-selector=status.phase=Running',
    '-l',
    labels,
    '-o',
    field,
  )
  return lines.split('\n').sort().join('\n')
}
