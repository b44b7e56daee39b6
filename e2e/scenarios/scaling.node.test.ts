/** Autoscalers at work: ours under a load, that of somebody else, and zero. In the end the namespace goes under load. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceAddress } from '#e2e/stack/address.ts'
import { flightRecords } from '#e2e/stack/flights.ts'
import { readService, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { settledIn } from './settled.ts'
import { declare, removeNamespace, small, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const service = { namespace: 'scaling', name: 'scaled' }
const { namespace, name } = service
const gateway = `${name}-gateway`

const kubectl = async (...args: string[]): Promise<string> =>
  (await cluster()).kubectl(['-n', namespace, ...args])
const scale = (replicas: number): Promise<string> =>
  kubectl('scale', `dsvc/${name}`, `--replicas=${replicas}`)
const autoscalers = async (): Promise<string[]> =>
  (await kubectl('get', 'hpa', '-o', 'name'))
    .trim()
    .split('\n')
    .map(line => line.split('/')[1] ?? '')
const readyPods = async (): Promise<number> =>
  Number((await kubectl('get', `deployment/${gateway}`, '-o', 'jsonpath={.status.readyReplicas}')) || 0)

async function scaling(): Promise<string> {
  const { status } = await readService(await cluster(), service)
  const found = status?.conditions?.find(({ type }) => type === 'Scaling')
  return `${found?.status}/${found?.reason}`
}

let url = ''

beforeAll(async () => {
  const kubernetes = await cluster()
  // A small floor, so that few pods are enough to see.
  const autoscaling = { maxReplicas: 3, targetCPUUtilization: 50 }
  await declare(kubernetes, service, {
    gateway: { autoscaling, ...small },
    reader: { replicas: 1, ...small },
  })
  await kubernetes.metricsReady
  await whenReady(kubernetes, service)
  url = (await serviceAddress(kubernetes, namespace, gateway)).url
})
afterAll(async () => {
  const gone = ['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']
  await (await cluster()).kubectl(gone)
})

test('a load makes our autoscaler add gateway pods, and its end takes them away', async () => {
  await settledIn(120_000, async () => expect(await readyPods()).toBe(1))
  const began = Date.now()
  const load = await startLoad()
  try {
    await settledIn(180_000, async () => expect(await readyPods()).toBeGreaterThan(1))
  } finally {
    await load.stop()
  }
  const ended = Date.now()
  // Metrics of pods that are busy starting may come a little late.
  await settledIn(120_000, async () => expect(await scaling()).toBe('True/AutoscaledByCPU'))
  await settledIn(480_000, async () => expect(await readyPods()).toBe(1))
  step(`pods added after ${seconds(began, ended)} s, gone ${seconds(ended, Date.now())} s after the load`)
})

test('an autoscaler on the DataService replaces ours, works, and ours returns after it', async () => {
  await kubectl('autoscale', `dsvc/${name}`, '--min=2', '--max=4', '--cpu=50%')
  await settledIn(60_000, async () => {
    expect(await autoscalers()).toEqual([name, `${name}-reader`])
    const active = 'jsonpath={.status.conditions[?(@.type=="ScalingActive")].status}'
    expect(await kubectl('get', `hpa/${name}`, '-o', active)).toBe('True')
    expect(await readyPods()).toBe(2)
    expect(await scaling()).toBe('True/ForeignAutoscaler')
  })
  await kubectl('delete', `hpa/${name}`)
  await settledIn(60_000, async () => {
    expect(await autoscalers()).toEqual([gateway, `${name}-reader`])
    expect(await scaling()).toBe('True/AutoscaledByCPU')
  })
})

test('zero stops the HTTP side, and back it serves again', async () => {
  await scale(0)
  await settledIn(60_000, async () => {
    expect(await kubectl('get', 'pods', '-l', 'app.kubernetes.io/component=gateway', '-o', 'name')).toBe('')
    const table = await kubectl('get', 'dsvc', name)
    expect(table).toMatch(/True\s+0\s+ScaledToZero/)
  })
  await scale(1)
  await waitUntilReady(await cluster(), service, { timeoutMs: 60_000 })
  await settledIn(30_000, async () => expect((await fetch(`${url}/data?limit=1`)).status).toBe(200))
})

test('a namespace that is deleted under load is gone within a minute', async () => {
  const load = await startLoad()
  const began = Date.now()
  try {
    await removeNamespace(await cluster(), namespace)
    step(`the namespace was gone after ${seconds(began, Date.now())} s`)
  } finally {
    await load.stop()
  }
})

/** Requests one after the other on a few lanes, until stopped; a cluster of two cores notices them. */
async function startLoad() {
  const lanes = 4
  const records = (await flightRecords()).slice(0, 100)
  const body = `[${records.join(',')}]`
  let wanted = true
  const lane = async (): Promise<void> => {
    while (wanted) {
      const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
      // A refusal or a broken connection is no matter here: the oracle has tests of its own.
      await fetch(`${url}/data`, request)
        .then(answer => answer.arrayBuffer())
        .catch(() => {})
    }
  }
  const done = Promise.all(Array.from({ length: lanes }, lane))
  return {
    stop: async () => {
      wanted = false
      await done
    },
  }
}

const seconds = (from: number, to: number): number => Math.round((to - from) / 1000)
