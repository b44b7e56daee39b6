/** Data services at rest cost the API server nothing but watches. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type AuditEvent, finishedRequests, requestsOf, told } from '#e2e/cluster/audit.ts'
import { earthquakes } from '#e2e/stack/earthquakes.ts'
import { flights } from '#e2e/stack/flights.ts'
import { operatorNamespace, operatorUser } from '#e2e/stack/install.ts'
import { waitUntilReady } from '#e2e/stack/service.ts'
import { resources } from '#operator/cluster/resources.ts'
import { watchedKinds } from '#operator/desired/children.ts'
import { watchedBeside } from '#operator/desired/watched-beside.ts'
import { restMs } from './lengths.ts'
import { settledIn } from './settled.ts'
import { cluster } from './stack.ts'

/** The shortest time between two looks at a resource at rest, at which it reads its own Secrets anew. */
const resyncMs = 480_000
/** Time without a request after which the stack counts as at rest. */
const calmMs = 20_000

const samples = [flights, earthquakes]

async function auditLog(): Promise<string> {
  const { auditLog: path } = await cluster()
  if (path === undefined) throw new Error('only the embedded cluster has an audit log at hand')
  return path
}

const operatorRequests = async () => requestsOf(await auditLog(), operatorUser)

/** After a load the autoscalers go on removing pods for a while, which changes the status. */
async function autoscalersAtRest(): Promise<boolean> {
  const numbers = '{.spec.minReplicas} {.status.desiredReplicas} {.status.currentReplicas}'
  const field = `jsonpath={range .items[*]}${numbers}{"\\n"}{end}`
  const lines = await (await cluster()).kubectl(['get', 'hpa', '--all-namespaces', '-o', field])
  return lines
    .split('\n')
    .filter(line => line !== '')
    .every(line => new Set(line.split(' ')).size === 1)
}

const namespacesOf = (requests: readonly AuditEvent[]): string[] =>
  requests.flatMap(({ objectRef }) => objectRef?.namespace ?? [])

/** Watches and the renewals of the operator's own lease go on for ever. */
const isRest = ({ verb, objectRef }: AuditEvent): boolean =>
  verb === 'watch' || objectRef?.resource === 'leases'

test('at rest the operator asks for nothing but watches, its lease and its own Secrets', {
  timeout: restMs + 390_000,
}, async () => {
  for (const sample of samples) await waitUntilReady(await cluster(), sample, { timeoutMs: 120_000 })
  await settledIn(180_000, async () => {
    expect(await autoscalersAtRest()).toBe(true)
    const last = (await operatorRequests()).filter(request => !isRest(request)).at(-1)
    expect(Date.now() - Date.parse(last?.requestReceivedTimestamp ?? '')).toBeGreaterThan(calmMs)
  })
  const from = Date.now()
  await delay(restMs) // the claim is about a length of time, so it has to pass
  const asked = (await operatorRequests())
    .filter(request => Date.parse(request.requestReceivedTimestamp) > from && !isRest(request))
    .map(told)
  const secrets = samples.flatMap(({ namespace, name }) =>
    ['identity', 'credentials'].map(secret => `get secrets ${namespace}/${name}-${secret}`),
  )
  expect(asked.filter(line => !secrets.includes(line))).toEqual([])
  expect(asked.length).toBeLessThanOrEqual(secrets.length * Math.ceil(restMs / resyncMs))
})

test('the operator never touched a namespace without a DataService, and nothing wide but lists and watches', async () => {
  const requests = await finishedRequests(await auditLog())
  const inUse = requests.filter(({ objectRef }) => objectRef?.resource === 'dataservices')
  const allowed = new Set([operatorNamespace, ...namespacesOf(inUse)])
  const own = requests.filter(({ user }) => user.username === operatorUser)
  expect(namespacesOf(own).filter(name => !allowed.has(name))).toEqual([])
  const wide = own.filter(({ objectRef }) => objectRef !== undefined && objectRef.namespace === undefined)
  expect(wide.filter(({ verb }) => verb !== 'list' && verb !== 'watch').map(told)).toEqual([])
  const ours = ['DataService', 'DataServiceClass', 'DataServiceOperation'] as const
  const watched = [...ours, ...watchedKinds, ...watchedBeside.map(({ kind }) => kind)]
  const listed = new Set(wide.map(({ objectRef }) => objectRef?.resource))
  expect([...listed].sort()).toEqual(watched.map(kind => resources[kind].plural).sort())
})
