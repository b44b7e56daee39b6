/** Large objects of one tenant, with the label by which the operator watches, keep nobody else waiting. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
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
  for (let number = 0; number < count; number += 1) await large(number)
}, 300_000)
afterAll(async () => {
  running?.kill('SIGKILL')
  await kubectl(['-n', greedy, 'delete', 'configmaps', '--all', '--wait=false'])
  await admin.close()
}, 120_000)

/** Every tenth one is six times as large on its way. */
const large = (number: number) =>
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

/** With the memory that it is shipped with. */
async function started(): Promise<ChildProcess> {
  const [deployment] = (await readFile(join(root, 'config/operator/deployment.yaml'), 'utf8'))
    .split('\n---\n')
    .map(text => parse(text))
    .filter(({ kind }) => kind === 'Deployment')
  const flags: string[] = deployment.spec.template.spec.containers[0].args.slice(0, -1)
  const env = {
    PATH: process.env['PATH'],
    KUBECONFIG: controlPlane().kubeconfig,
    RELATED_IMAGE_DATASERVICE: images.dataservice,
    TELEMETRY_PORT: '0',
    LOG_LEVEL: 'error',
  }
  running = spawn(process.execPath, [...flags, join(root, 'operator/main.ts')], { env, stdio: 'inherit' })
  return running
}

test('the operator starts, and makes what another tenant declared', async () => {
  const child = await started()
  await kubectl(['-n', modest, 'apply', '-f', '-'], { input: smallestManifest })
  await settledIn(60_000, async () =>
    expect(await kubectl(['-n', modest, 'get', 'statefulsets', '-o', 'name'])).toContain('orders-postgres'),
  )
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
}, 120_000)
