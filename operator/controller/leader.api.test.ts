/** Two operator processes against the real API server: one works, is stopped in its tracks, and the other one goes on. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { controlPlane, kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { smallestManifest } from '#operator/testing/data-service.ts'
import { root } from '#tools/workspace.ts'

const names = ['first', 'second'] as const
let namespace = ''
const processes = new Map<string, ChildProcess>()

/** A kubeconfig of a ServiceAccount of its own, so that the audit log tells the two apart. */
async function kubeconfigOf(name: string): Promise<string> {
  await kubectl(['-n', namespace, 'create', 'serviceaccount', name])
  const grant = ['--clusterrole=cluster-admin', `--serviceaccount=${namespace}:${name}`]
  await kubectl(['-n', namespace, 'create', 'rolebinding', name, ...grant])
  const token = (await kubectl(['-n', namespace, 'create', 'token', name])).trim()
  const config = parse(await readFile(controlPlane().kubeconfig, 'utf8'))
  for (const user of config.users) user.user = { token }
  const file = join(dirname(controlPlane().kubeconfig), `${namespace}-${name}.yaml`)
  await writeFile(file, stringify(config))
  return file
}

async function start(name: string): Promise<void> {
  const kubeconfig = await kubeconfigOf(name)
  const environment = {
    KUBECONFIG: kubeconfig,
    RELATED_IMAGE_DATASERVICE: 'example.test/dataservice:1',
    WATCH_NAMESPACE: namespace,
    POD_NAMESPACE: namespace,
    POD_NAME: name,
    TELEMETRY_PORT: '0',
    LOG_LEVEL: 'warn',
  }
  const env = { PATH: process.env['PATH'], ...environment }
  processes.set(name, spawn(process.execPath, [join(root, 'operator/main.ts')], { env, stdio: 'ignore' }))
}

const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const holder = async (): Promise<string> =>
  (
    await inNamespace(
      'get',
      'lease',
      'dataservice-operator',
      '--ignore-not-found',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    )
  ).split('_')[0] ?? ''
const exists = async (what: string): Promise<boolean> =>
  (await inNamespace('get', what, '--ignore-not-found', '-o', 'name')) !== ''

/** Writes of one of the two, but those of the Lease. */
async function writesOf(name: string): Promise<string[]> {
  const lines = (await readFile(controlPlane().auditLog, 'utf8')).split('\n')
  return lines
    .filter(
      line =>
        line.includes(`system:serviceaccount:${namespace}:${name}"`) && line.includes('"ResponseComplete"'),
    )
    .filter(
      line => /"verb":"(create|update|patch|delete)"/.test(line) && !line.includes('"resource":"leases"'),
    )
}

beforeAll(async () => {
  namespace = await newNamespace('leader')
  await start('first')
  await settledIn(30_000, async () => expect(await holder()).toBe('first'))
  await start('second')
}, 60_000)
afterAll(() => {
  for (const child of processes.values()) child.kill('SIGKILL')
})

test('one works; stopped, it is replaced within 20 seconds and writes nothing when it goes on', async () => {
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: smallestManifest })
  await settledIn(30_000, async () => expect(await exists('statefulset/orders-redis')).toBe(true))
  expect((await writesOf('first')).length).toBeGreaterThan(10)
  expect(await writesOf('second')).toEqual([])

  const [first, second] = names.map(name => processes.get(name))
  first?.kill('SIGSTOP')
  const stopped = performance.now()
  await settledIn(40_000, async () => expect(await holder()).toBe('second'))
  console.log(`taken over after ${((performance.now() - stopped) / 1000).toFixed(1)} s`)
  await inNamespace('delete', 'service/orders-kafka') // something to put back, for both to see
  await settledIn(20_000, async () => expect(await exists('service/orders-kafka')).toBe(true))
  const before = await writesOf('first')
  first?.kill('SIGCONT')
  await inNamespace('delete', 'service/orders-redis')
  await settledIn(20_000, async () => expect(await exists('service/orders-redis')).toBe(true))
  expect(await writesOf('first')).toEqual(before)

  second?.kill('SIGTERM') // gives the lease back
  const ended = performance.now()
  await settledIn(20_000, async () => expect(await holder()).toBe('first'))
  console.log(`taken over ${((performance.now() - ended) / 1000).toFixed(1)} s after an orderly end`)
}, 180_000)
