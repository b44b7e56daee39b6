/**
 * The operator sleeps while much changes and the history it would go on from is forgotten: it lists anew, once, and
 * misses nothing.
 */
import type { Fault } from '#e2e/chaos/api-proxy/faults.ts'
import { atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { until } from '#e2e/cluster/waiting.ts'
import { objectPath } from '#operator/cluster/paths.ts'
import { calmState, declare, firstSpec, name, untilReady, untilState } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import { type Plane, watchedPlurals } from './plane.ts'

const changes = 100
const withinMs = 10_000

const gone = { do: 'answer', status: 410, reason: 'Expired' } as const
const silent: Fault[] = []

/** Who has forgotten, and what the proxy has to do about it. The API server itself remembers more than its store. */
const forgetting: Readonly<Record<string, readonly Fault[]>> = {
  'the store': silent,
  'the API server, as a status': watchedPlurals.map(resource => ({
    call: { verb: 'watch', resource },
    count: 1,
    harm: gone,
  })),
  'the API server, as an event': watchedPlurals.map(resource => ({
    event: { resource },
    count: 1,
    harm: 'gone',
  })),
}

export async function tooOld(plane: Plane, { say }: SuiteContext): Promise<Figure[]> {
  const namespace = await plane.namespace('too-old')
  let lists: string[] = []
  await using operator = await startOperatorProcess(plane, {
    namespace,
    onCall: ({ verb, resource }) => {
      if (verb === 'list') lists.push(resource)
    },
  })
  await operator.working()
  await declare(plane, namespace, firstSpec)
  await untilReady(plane, namespace)
  const wanted = await calmState(plane, namespace)
  const complaints: string[] = []
  let slowest = 0
  for (const [who, faults] of Object.entries(forgetting)) {
    operator.signal('SIGSTOP')
    operator.proxy.cut() // or what happens meanwhile would lie in its sockets when it wakes
    await change(plane, namespace)
    await plane.control.compact()
    operator.proxy.inject(faults)
    const firedBefore = operator.proxy.fired()
    lists = []
    operator.signal('SIGCONT')
    const began = performance.now()
    const differ = await untilState(plane, namespace, wanted, withinMs)
    slowest = Math.max(slowest, (performance.now() - began) / 1000)
    // A watch that is opened later is told later.
    if (faults.length > 0) await until(() => operator.proxy.fired() > firedBefore, { timeoutMs: withinMs })
    operator.proxy.heal()
    const twice = lists.filter((each, index) => each !== 'events' && lists.indexOf(each) !== index)
    const fired = operator.proxy.fired() - firedBefore
    say(`${who} forgot: told ${fired} times, ${lists.length} lists`)
    if (faults.length > 0 && fired === 0) complaints.push(`${who} forgot: nobody was told`)
    for (const each of differ) complaints.push(`${who} forgot: ${each}`)
    for (const each of twice) complaints.push(`${who} forgot: ${each} were listed again`)
  }
  for (const complaint of complaints) say(complaint)
  return [
    told('changes while it slept, each time', changes),
    told('ways to forget', Object.keys(forgetting).length),
    atMost('seconds until all was in order', slowest, withinMs / 1000),
    atMost('violations', complaints.length, 0),
    atMost('operators that ended by themselves', operator.isAlive ? 0 : 1, 0),
  ]
}

/** Many changes that mean nothing, and a child that is deleted in their middle. */
async function change(plane: Plane, namespace: string): Promise<void> {
  const service = { kind: 'Service', namespace, name: 'orders-reader' } as const
  for (let count = 0; count < changes - 1; count++) {
    await plane.transport.send({
      method: 'PATCH',
      path: objectPath({ kind: 'DataService', namespace, name }),
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: { 'example.test/count': count === changes - 2 ? null : String(count) } } },
    })
    const uid = plane.children('Service').get(namespace, service.name)?.metadata.uid
    if (count === changes / 2 && uid !== undefined)
      await plane.admin.remove(service, { uid, propagation: 'Background' })
  }
}
