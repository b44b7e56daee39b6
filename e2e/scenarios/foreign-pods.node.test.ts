/** What a pod of another namespace reaches, and where a pod of ours gets to: NetworkPolicies as a network enforces them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { ports } from '#dataservice/contract/names.ts'
import { settledIn } from './settled.ts'
import { declare, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'guarded', name: 'private' }
const stranger = { namespace: 'strangers', name: 'stranger' }
const { namespace, name } = service

const doors = {
  gateway: ports.http,
  reader: ports.http,
  kafka: ports.kafka,
  postgres: ports.postgres,
  redis: ports.redis,
} as const
type Door = keyof typeof doors | 'metrics'
const everyDoor = [...(Object.keys(doors) as (keyof typeof doors)[]), 'metrics'] as const

/** Connects to every `host:port` among its arguments and tells which of them were open. */
const knock = `
const open = process.argv.slice(1).map(address => new Promise(tell => {
  const [host, port] = address.split(':')
  const socket = require('net').connect({ host, port, timeout: 2000 })
  const end = isOpen => { socket.destroy(); tell(isOpen ? [address] : []) }
  socket.on('connect', () => end(true)).on('error', () => end(false)).on('timeout', () => end(false))
}))
Promise.all(open).then(found => console.log(JSON.stringify(found.flat())))`

/** Listens where a gateway would, and nothing more. */
const listen = `require('net').createServer(socket => socket.end()).listen(${ports.http})`

beforeAll(async () => {
  const kubernetes = await cluster()
  await declare(kubernetes, service)
  await whenReady(kubernetes, service)
  const gateway = ['-n', namespace, 'get', `deployment/${name}-gateway`]
  const image = await kubernetes.kubectl([...gateway, '-o', 'jsonpath={..containers[0].image}'])
  const container = { name: 'node', image, command: ['node', '-e', listen] }
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: stranger.namespace } },
    { apiVersion: 'v1', kind: 'Pod', metadata: stranger, spec: { containers: [container] } },
  ]
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  await kubernetes.kubectl(['apply', '-f', '-'], { input })
  const ready = ['wait', `pod/${stranger.name}`, '--for=condition=Ready', '--timeout=120s']
  await kubernetes.kubectl(['-n', stranger.namespace, ...ready])
})
afterAll(async () => {
  const gone = ['delete', 'namespace', namespace, stranger.namespace, '--ignore-not-found', '--wait=false']
  await (await cluster()).kubectl(gone)
})

async function addressOf(of: string, part: string): Promise<string> {
  const pods = ['get', 'pods', '-l', part, '-o', 'jsonpath={.items[0].status.podIP}']
  return (await cluster()).kubectl(['-n', of, ...pods])
}

const partOf = (door: Door): string =>
  `app.kubernetes.io/instance=${name},app.kubernetes.io/component=${door === 'metrics' ? 'writer' : door}`

async function addressesOfDoors(): Promise<ReadonlyMap<string, Door>> {
  const pairs = everyDoor.map(async door => {
    const port = door === 'metrics' ? ports.telemetry : doors[door]
    return [`${await addressOf(namespace, partOf(door))}:${port}`, door] as const
  })
  return new Map(await Promise.all(pairs))
}

async function reachedFrom(pod: readonly string[], addresses: readonly string[]): Promise<string[]> {
  const said = await (await cluster()).kubectl(['exec', ...pod, '--', 'node', '-e', knock, ...addresses])
  return JSON.parse(said) as string[]
}

/** The doors that are open to the stranger. */
async function openToStranger(): Promise<Door[]> {
  const addresses = await addressesOfDoors()
  const open = await reachedFrom(['-n', stranger.namespace, stranger.name], [...addresses.keys()])
  return everyDoor.filter(door => open.some(address => addresses.get(address) === door))
}

type Policy = NonNullable<DataService['spec']['networkPolicy']>

async function withPolicy(networkPolicy: Partial<Policy>): Promise<void> {
  const patch = ['patch', `dsvc/${name}`, '--type=merge', '-p', JSON.stringify({ spec: { networkPolicy } })]
  await (await cluster()).kubectl(['-n', namespace, ...patch])
}

test('by default a stranger reaches the gateway and the figures, and nothing else', async () => {
  await settledIn(60_000, async () => expect(await openToStranger()).toEqual(['gateway', 'metrics']))
})

test('who is named for a part is let in there, and nobody else at the gateway any more', async () => {
  const namespaceLabels = { 'kubernetes.io/metadata.name': stranger.namespace }
  await withPolicy({
    mode: 'Ingress',
    allowFrom: [
      { parts: ['kafka', 'postgres'], namespaceLabels },
      { parts: ['gateway'], namespaceLabels: { 'kubernetes.io/metadata.name': 'others' } },
    ],
  })
  await settledIn(60_000, async () =>
    expect(await openToStranger()).toEqual(['kafka', 'postgres', 'metrics']),
  )
})

test('with Strict a pod of ours gets to its own parts alone, and the service goes on', async () => {
  const kubernetes = await cluster()
  const outside = `${await addressOf(stranger.namespace, '')}:${ports.http}`
  const inside = [...(await addressesOfDoors())].flatMap(([address, door]) =>
    door === 'kafka' || door === 'reader' ? [address] : [],
  )
  const fromGateway = () =>
    reachedFrom(['-n', namespace, `deployment/${name}-gateway`, '-c', 'gateway'], [...inside, outside])
  expect(new Set(await fromGateway())).toEqual(new Set([...inside, outside]))
  await withPolicy({ mode: 'Strict', allowFrom: [] })
  await settledIn(60_000, async () => expect(new Set(await fromGateway())).toEqual(new Set(inside)))
  await whenReady(kubernetes, service)
})

test('without policies everything is open, so that it was they who kept the doors shut', async () => {
  await withPolicy({ mode: 'Off' })
  await settledIn(60_000, async () => expect(await openToStranger()).toEqual([...everyDoor]))
})
