/** Large objects of one tenant, with the label by which the operator watches, keep nobody else waiting. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { apiVersion, kind } from '#crds/v1alpha1/resource.ts'
import { controlPlane, kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { root } from '#tools/workspace.ts'
import { childLabels } from './desired/labels.ts'
import { asAdministrator, type ConnectedCluster } from './testing/api-server.ts'
import { smallestManifest } from './testing/data-service.ts'
import { images } from './testing/target.ts'

const count = 140
/** What the API server lets into a ConfigMap, but for some bytes. */
const size = 2 ** 20 - 1_000
let [greedy, modest] = ['', '']
let admin: ConnectedCluster
let running: ChildProcess | undefined

beforeAll(async () => {
  ;[greedy, modest] = [await newNamespace('greedy'), await newNamespace('modest')]
  admin = asAdministrator()
  for (let number = 0; number < count; number += 1) await largeMap(number)
  for (let number = 0; number < 12; number += 1) await longSchema(number)
}, 300_000)
afterAll(async () => {
  running?.kill('SIGKILL')
  await kubectl(['-n', greedy, 'delete', 'configmaps,dataservices', '--all', '--wait=false'])
  await admin.close()
}, 120_000)

/** Every tenth one is six times as large on its way. */
const largeMap = (number: number) =>
  admin.cluster.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `large-${number}`,
      namespace: greedy,
      labels: childLabels(`some-${number}`, 'settings'),
    },
    data: { text: (number % 10 === 0 ? '<' : 'x').repeat(size) },
  })

const longSchema = (number: number) =>
  admin.cluster.create({
    apiVersion,
    kind,
    metadata: { name: `long-${number}`, namespace: greedy },
    spec: { record: { schema: { type: 'object', description: 'x'.repeat(1_400_000) }, indexes: [] } },
  })

/** Of the container that is shipped. */
async function shipped(): Promise<{ args: string[]; resources: { limits: { memory: string } } }> {
  const texts = (await readFile(join(root, 'config/operator/deployment.yaml'), 'utf8')).split('\n---\n')
  const deployment = texts.map(text => parse(text)).find(({ kind }) => kind === 'Deployment')
  return deployment.spec.template.spec.containers[0]
}

async function started(flags: readonly string[]): Promise<ChildProcess> {
  const env = {
    PATH: process.env['PATH'],
    KUBECONFIG: controlPlane().kubeconfig,
    RELATED_IMAGE_DATASERVICE: images.dataservice,
    TELEMETRY_PORT: '0',
    LOG_LEVEL: 'error',
  }
  running = spawn(process.execPath, [...flags, join(root, 'operator/main.ts')], { env, stdio: 'ignore' })
  return running
}

/** The most that it ever had. */
const residentMib = async (pid = 0): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

async function declared(name: string): Promise<void> {
  await kubectl(['-n', modest, 'apply', '-f', '-'], { input: smallestManifest.replace('orders', name) })
  await settledIn(60_000, async () =>
    expect(await kubectl(['-n', modest, 'get', 'statefulsets', '-o', 'name'])).toContain(`${name}-postgres`),
  )
}

test('the operator starts, and makes what another tenant declared; so it does when more come', async () => {
  const { args, resources } = await shipped()
  const child = await started(args.slice(0, -1))
  await declared('orders')
  for (let number = count; number < count + 20; number += 1) await largeMap(number)
  await declared('returns')
  expect(await residentMib(child.pid)).toBeLessThan(Number.parseInt(resources.limits.memory, 10))
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
}, 180_000)
