/** A namespace goes with all that is in it, Kafka first: nothing holds it up, and nobody writes into it without end. */
import { atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { isIn, isMutation } from './audit-tail.ts'
import { declare, eventually, firstSpec, untilReady } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const withinMs = 60_000

export async function namespaceDeleted(plane: Plane, { say }: SuiteContext): Promise<Figure[]> {
  await using operator = await startOperatorProcess(plane, {})
  await operator.working()
  let slowest = 0
  let refused = 0
  for (const deletionPolicy of ['Retain', 'Delete'] as const) {
    const namespace = await plane.namespace('deleted')
    await declare(plane, namespace, { ...firstSpec, deletionPolicy })
    await untilReady(plane, namespace)
    const from = (await plane.audit.requests()).length
    const began = performance.now()
    await deleted(plane, namespace)
    const seconds = (performance.now() - began) / 1000
    slowest = Math.max(slowest, seconds)
    const writes = (await plane.audit.requests()).slice(from).filter(isIn(namespace)).filter(isMutation)
    const failed = writes.filter(({ responseStatus }) => (responseStatus?.code ?? 0) >= 400).length
    refused = Math.max(refused, failed)
    say(`${deletionPolicy}: gone after ${seconds.toFixed(1)} s, ${writes.length} writes, ${failed} refused`)
  }
  return [
    told('namespaces', 2),
    atMost('seconds until it was gone', slowest, withinMs / 1000),
    atMost('writes that were refused meanwhile', refused, 60),
    atMost('operators that ended by themselves', operator.isAlive ? 0 : 1, 0),
  ]
}

async function deleted({ admin }: Plane, namespace: string): Promise<void> {
  const ref = { kind: 'Namespace', name: namespace } as const
  const uid = (await admin.get(ref))?.metadata.uid ?? ''
  await admin.remove(ref, { uid, propagation: 'Background' })
  await eventually(
    withinMs + 10_000,
    async () => (await admin.get(ref)) === undefined,
    async () => `${namespace} stays: ${JSON.stringify(await admin.get(ref))}`,
  )
}
