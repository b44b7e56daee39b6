/** Nothing happens for long; the first edit after it is answered at once. */
import { setTimeout as pause } from 'node:timers/promises'
import { atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { calmState, declare, eventually, firstSpec, untilReady } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const services = 10
const idleMs = { smoke: 10_000, full: 600_000 } as const

export async function idleThenEdit(plane: Plane, { size }: SuiteContext): Promise<Figure[]> {
  const names = await Promise.all(Array.from({ length: services }, () => plane.namespace('idle')))
  await using operator = await startOperatorProcess(plane, {})
  await operator.working()
  for (const namespace of names) await declare(plane, namespace, firstSpec)
  for (const namespace of names) await untilReady(plane, namespace)
  await Promise.all(names.map(namespace => calmState(plane, namespace)))
  await pause(idleMs[size]) // that nothing happens is the point
  const tookMs = await Promise.all(names.map(namespace => putBack(plane, namespace)))
  return [
    told('idle seconds', idleMs[size] / 1000),
    told('edits', services),
    atMost('slowest answer, s', Math.max(...tookMs) / 1000, 2),
    atMost('operators that ended by themselves', operator.isAlive ? 0 : 1, 0),
  ]
}

/** Deletes a child; answers the milliseconds until it was there again. */
async function putBack(plane: Plane, namespace: string): Promise<number> {
  const ref = { kind: 'Service', namespace, name: 'orders-reader' } as const
  const store = plane.children('Service')
  const uid = store.get(namespace, ref.name)?.metadata.uid ?? ''
  const began = performance.now()
  await plane.admin.remove(ref, { uid, propagation: 'Background' })
  const isBack = () => ![undefined, uid].includes(store.get(namespace, ref.name)?.metadata.uid)
  await eventually(30_000, isBack, () => `${namespace}: ${ref.name} does not come back`)
  return performance.now() - began
}
