/** A quota refuses what the operator makes: the condition names the object and the reason, and all goes on alone later. */
import { atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { isIn, isMutation } from './audit-tail.ts'
import { conditionOf, declare, eventually, firstSpec, name, untilReady } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const quotaPath = (namespace: string) => `/api/v1/namespaces/${namespace}/resourcequotas`
const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'small' } }
const limits = ['count/configmaps', 'count/statefulsets.apps', 'services'] as const
/** The longest wait of the queue, and one run. */
const recoversWithin = { smoke: 60, full: 330 } as const
const refusedMs = { smoke: 5_000, full: 120_000 } as const

export async function quotaDenies(plane: Plane, { size, say }: SuiteContext): Promise<Figure[]> {
  await using operator = await startOperatorProcess(plane, {})
  await operator.working()
  let said = 0
  let recovered = 0
  let writes = 0
  for (const limit of limits) {
    const namespace = await plane.namespace('quota')
    const found = await refused(plane, namespace, { limit, forMs: refusedMs[size] })
    say(
      `${limit}: told after ${found.said.toFixed(1)} s, in order ${found.recovered.toFixed(1)} s after it was raised`,
    )
    said = Math.max(said, found.said)
    recovered = Math.max(recovered, found.recovered)
    writes = Math.max(writes, found.refusals)
  }
  return [
    told('quotas', limits.length),
    atMost('seconds until a condition says so', said, 30),
    told('refused writes while it lasted', writes),
    atMost('seconds until all was in order', recovered, recoversWithin[size]),
    atMost('operators that ended by themselves', operator.isAlive ? 0 : 1, 0),
  ]
}

async function refused(plane: Plane, namespace: string, { limit, forMs }: { limit: string; forMs: number }) {
  const { transport } = plane
  const path = quotaPath(namespace)
  await transport.send({ method: 'POST', path, body: { ...quota, spec: { hard: { [limit]: '1' } } } })
  await eventually(
    30_000,
    () => isCounted(plane, namespace),
    () => 'the quota is not counted',
  )
  const began = performance.now()
  await declare(plane, namespace, firstSpec)
  const condition = () => {
    const service = plane.services.get(namespace, name)
    return service === undefined
      ? ''
      : JSON.stringify([conditionOf(service, 'Ready'), conditionOf(service, 'Stalled')])
  }
  await eventually(
    60_000,
    () => condition().includes('exceeded quota') && condition().includes('orders-'),
    () => `no condition speaks of ${limit}: ${condition()}`,
  )
  const said = (performance.now() - began) / 1000
  await eventually(
    forMs * 2,
    () => performance.now() - began >= forMs,
    () => '',
  )
  const requests = (await plane.audit.requests()).filter(isIn(namespace)).filter(isMutation)
  const refusals = requests.filter(({ responseStatus }) => responseStatus?.code === 403).length
  const raised = performance.now()
  await transport.send({ method: 'DELETE', path: `${path}/${quota.metadata.name}` })
  await untilReady(plane, namespace, 400_000)
  return { said, refusals, recovered: (performance.now() - raised) / 1000 }
}

async function isCounted({ transport }: Plane, namespace: string): Promise<boolean> {
  const found = await transport.send({
    method: 'GET',
    path: `${quotaPath(namespace)}/${quota.metadata.name}`,
  })
  return JSON.stringify(found).includes('"used"')
}
