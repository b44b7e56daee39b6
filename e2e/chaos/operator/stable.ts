/** Many DataServices of which nothing changes: the operator changes nothing either, whatever it looks at again. */
import { setTimeout as pause } from 'node:timers/promises'
import { atLeast, atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { told as textOf } from '#e2e/cluster/audit.ts'
import { isMutation } from './audit-tail.ts'
import { inTurns } from './in-turns.ts'
import { declare, firstSpec, untilReady } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const services = { smoke: 20, full: 50 } as const
const lasts = { smoke: 12_000, full: 600_000 } as const
/** Short, so that each DataService is looked at several times meanwhile. */
const resyncSeconds = { smoke: 4, full: 60 } as const

export async function stable(plane: Plane, { size, say }: SuiteContext): Promise<Figure[]> {
  const names = await Promise.all(Array.from({ length: services[size] }, () => plane.namespace('stable')))
  let watches = 0
  await using operator = await startOperatorProcess(plane, {
    resyncSeconds: resyncSeconds[size],
    onCall: ({ verb }) => {
      watches += verb === 'watch' ? 1 : 0
    },
  })
  await operator.working()
  await inTurns(names, 10, async namespace => {
    await declare(plane, namespace, firstSpec)
    await untilReady(plane, namespace, 120_000)
  })
  await untilNoWrites(plane)
  const from = (await plane.audit.requests()).length
  const opened = watches
  let flaps = 0
  const end = plane.services.onChange(() => {
    flaps += 1
  })
  await pause(lasts[size]) // the time is what is measured
  end()
  const requests = (await plane.audit.requests()).slice(from)
  const writes = requests.filter(isMutation)
  for (const write of writes) say(textOf(write))
  return [
    told('seconds', lasts[size] / 1000),
    told('requests other than watches', requests.filter(({ verb }) => verb !== 'watch').length),
    atLeast('watches that began anew', watches - opened, 1),
    atMost('requests that change something', writes.length, 0),
    atMost('changes of a DataService', flaps, 0),
  ]
}

const calmMs = 3_000

/** What becomes ready is told in a write that may come a moment later. */
async function untilNoWrites(plane: Plane): Promise<void> {
  let count = -1
  let since = performance.now()
  while (performance.now() - since < calmMs) {
    const found = (await plane.audit.requests()).filter(isMutation).length
    if (found !== count) since = performance.now()
    count = found
    await pause(200)
  }
}
