/**
 * The real operator process is killed in the middle of a reconcile, again and again; the next one comes to the same
 * end. A relay between it and the API server kills it at an exact write, before or after the server has it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { controlPlane, kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { root } from '#tools/workspace.ts'
import { desiredChildren } from './desired/children.ts'
import { isOurs, type ObservedOwnership } from './desired/labels.ts'
import { smallestManifest } from './testing/data-service.ts'
import { playPods } from './testing/played.ts'
import { images, targetOf } from './testing/target.ts'

interface Stored {
  kind: string
  metadata: ObservedOwnership & { name: string; uid: string }
}

/** When the process dies: at which of its writes, and whether the API server has it by then. */
interface Kill {
  title: string
  at: (write: { count: number; verb: string; path: string }) => boolean
  when: 'before' | 'after'
}

const patience = 30_000
let namespace = ''
let relay: { url: string; close(): void }
let kill: Kill | undefined
let running: ChildProcess | undefined
/** Writes of the process that runs, and the Secrets that it has read. */
let writes: string[] = []
let secretsRead = new Set<string>()

const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])

beforeAll(async () => {
  namespace = await newNamespace('kill')
  relay = await startRelay()
  await kubectl(['-n', namespace, 'create', '-f', '-'], { input: smallestManifest })
})
afterAll(() => {
  running?.kill('SIGKILL')
  relay.close()
})

/** Passes everything on to the API server as its administrator. */
async function startRelay(): Promise<typeof relay> {
  const config = parse(await readFile(controlPlane().kubeconfig, 'utf8'))
  const { server, 'certificate-authority': authority } = config.clusters[0].cluster
  const { 'client-certificate': certificate, 'client-key': key } = config.users[0].user
  const [ca, cert, privateKey] = await Promise.all(
    [authority, certificate, key].map(path => readFile(String(path))),
  )
  const tls = { ca, cert, key: privateKey }
  const relayed = createServer((asked, answer) => {
    const dies = note(asked)
    if (dies === 'before') return die(asked, answer)
    const onwards = request(new URL(asked.url ?? '/', server), {
      ...tls,
      method: asked.method,
      headers: asked.headers,
    })
    onwards.on('response', told => {
      if (dies === 'after') {
        told.resume()
        told.on('end', () => die(asked, answer))
        return
      }
      answer.writeHead(told.statusCode ?? 502, told.headers)
      told.pipe(answer)
    })
    onwards.on('error', () => answer.destroy())
    for (const end of [asked, answer]) end.on('error', () => onwards.destroy())
    answer.on('close', () => onwards.destroy())
    asked.pipe(onwards)
  })
  relayed.listen(0, '127.0.0.1')
  await once(relayed, 'listening')
  const { port } = relayed.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      relayed.close()
      relayed.closeAllConnections()
    },
  }
}

/** Writes down what is asked; answers whether the process dies of it. */
function note({ method = '', url = '' }: IncomingMessage): Kill['when'] | undefined {
  const path = url.split('?')[0] ?? ''
  if (method === 'GET') {
    const secret = /\/secrets\/(.+)$/.exec(path)?.[1]
    if (secret !== undefined) secretsRead.add(secret)
    return undefined
  }
  writes.push(`${method} ${path}`)
  return kill?.at({ count: writes.length, verb: method, path }) === true ? kill.when : undefined
}

function die(asked: IncomingMessage, answer: ServerResponse): void {
  running?.kill('SIGKILL')
  asked.destroy()
  answer.destroy()
}

async function start(): Promise<ChildProcess> {
  writes = []
  secretsRead = new Set()
  const config = parse(await readFile(controlPlane().kubeconfig, 'utf8'))
  config.clusters[0].cluster = { server: relay.url, 'insecure-skip-tls-verify': true } // plain HTTP on loopback
  config.users[0].user = {}
  const kubeconfig = join(dirname(controlPlane().kubeconfig), `${namespace}.yaml`)
  await writeFile(kubeconfig, stringify(config))
  const env = {
    PATH: process.env['PATH'],
    KUBECONFIG: kubeconfig,
    RELATED_IMAGE_DATASERVICE: images.dataservice,
    WATCH_NAMESPACE: namespace,
    TELEMETRY_PORT: '0',
    LOG_LEVEL: 'error',
  }
  running = spawn(process.execPath, [join(root, 'operator/main.ts')], { env, stdio: 'ignore' })
  return running
}

async function killed(how: Kill): Promise<void> {
  kill = how
  const [code, signal] = await once(await start(), 'exit')
  kill = undefined
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' })
}

/** Runs a process until the check passes, then ends it in order. */
async function working(check: () => Promise<void>): Promise<void> {
  const child = await start()
  await settledIn(patience, check)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
}

const wanted = (service: DataService): string[] =>
  desiredChildren(targetOf(service))
    .filter(({ stage }) => stage === 'engines' || stage === 'migration')
    .map(({ kind, object }) => `${kind}/${object.metadata.name}`)
    .sort()

const kinds =
  'secrets,serviceaccounts,configmaps,services,poddisruptionbudgets,networkpolicies,statefulsets,jobs,cronjobs,deployments'
async function stored(): Promise<Stored[]> {
  const label = 'app.kubernetes.io/managed-by=dataservice-operator'
  const { items } = JSON.parse(await inNamespace('get', kinds, '-l', label, '-o', 'json')) as {
    items: Stored[]
  }
  return items
}
const secretUids = async (): Promise<string[]> =>
  (await stored()).filter(({ kind }) => kind === 'Secret').map(({ metadata }) => metadata.uid)

const kills: Kill[] = [
  { title: 'before its first write', at: ({ count }) => count === 1, when: 'before' },
  { title: 'as soon as the first Secret is made', at: ({ count }) => count === 1, when: 'after' },
  {
    title: 'as soon as the second Secret is made',
    at: ({ path }) => path.endsWith('/secrets'),
    when: 'after',
  },
  { title: 'at its tenth write', at: ({ count }) => count === 10, when: 'before' },
  { title: 'between two StatefulSets', at: ({ path }) => path.includes('/statefulsets/'), when: 'after' },
  { title: 'before it says what it did', at: ({ path }) => path.endsWith('/status'), when: 'before' },
]

test('killed at writes of a start, the next process goes on; what is made once stays', async () => {
  for (const each of kills.slice(0, 3)) await killed(each)
  const secrets = await secretUids()
  expect(secrets).toHaveLength(2)
  for (const each of kills.slice(3)) await killed(each)
  expect(await secretUids()).toEqual(secrets)
}, 180_000)

test('killed when the migration was just made, the next one makes no second; nothing is left over', async () => {
  await working(async () =>
    expect(await inNamespace('get', 'dsvc/orders', '-o', 'json')).toContain('"Reconciling"'),
  )
  await playPods(namespace, 'statefulset/orders-postgres')
  await killed({ title: 'migration', at: ({ path }) => path.endsWith('/jobs'), when: 'after' })
  await working(async () =>
    expect(await inNamespace('get', 'dsvc/orders', '-o', 'json')).toContain('orders-migrate-'),
  )
  const service = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  const objects = await stored()
  expect(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()).toEqual(wanted(service))
  expect(objects.filter(({ metadata }) => !isOurs(service, metadata))).toEqual([])
}, 180_000)

test('one that is started after all that has nothing to write', async () => {
  await working(async () =>
    expect([...secretsRead].sort()).toEqual(['orders-credentials', 'orders-identity']),
  )
  expect(writes).toEqual([])
}, 60_000)
