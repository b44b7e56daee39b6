import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { ClusterError } from '#operator/cluster/errors.ts'
import type { KubernetesObject, ObjectRef } from '#operator/cluster/port.ts'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { decide } from '#operator/reconcile/decide.ts'
import { dataServiceClass } from '#operator/testing/class.ts'
import { type Change, dataService, withSpec } from '#operator/testing/data-service.ts'
import { dying, Killed } from '#operator/testing/dying.ts'
import { kafkaOfOthers, postgresOfOthers } from '#operator/testing/engines-of-others.ts'
import { pod } from '#operator/testing/pods.ts'
import { type Rehearsal, rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'
import { factsOf, upAndRunning, type World } from '#operator/testing/world.ts'
import { departure } from './departure.ts'
import { finalizer } from './finalizer.ts'

const elsewhere = { kafka: { external: kafkaOfOthers }, postgres: { external: postgresOfOthers } }
const held: Change = ({ metadata, ...rest }) => ({
  ...rest,
  metadata: { ...metadata, finalizers: [finalizer] },
})
const leaving = (...changes: readonly Change[]): DataService =>
  dataService(withSpec({ ...elsewhere, deletionPolicy: 'Delete' }), held, ...changes)

describe('who is held', () => {
  const strimzi = { kafka: { strimzi: { cluster: 'main' } } }
  const given = { kafka: { external: { ...kafkaOfOthers, topics: 'Given' } } }
  const rows: [name: string, spec: Parameters<typeof withSpec>[0], isHeld: boolean][] = [
    ['engines of ours', { deletionPolicy: 'Delete' }, false],
    ['Postgres of others, Retain', { postgres: elsewhere.postgres }, false],
    ['Postgres of others, Delete', { postgres: elsewhere.postgres, deletionPolicy: 'Delete' }, true],
    ['Kafka of others, Delete', { kafka: elsewhere.kafka, deletionPolicy: 'Delete' }, true],
    ['topics that others made, Delete', { ...given, deletionPolicy: 'Delete' }, false],
    ['topics with an owner, Delete', { ...strimzi, deletionPolicy: 'Delete' }, false],
  ]
  const holds = (owner: DataService): (string[] | undefined)[] =>
    decide(factsOf({ owner })).steps.flatMap(step =>
      step.do === 'hold' ? [step.owner.metadata.finalizers] : [],
    )

  test.each(rows)('%s: %#', (_name, spec, isHeld) => {
    expect(holds(dataService(withSpec(spec)))).toEqual(isHeld ? [[finalizer]] : [])
    expect(holds(dataService(withSpec(spec), held))).toEqual(isHeld ? [] : [undefined])
  })

  test('nothing is made elsewhere before it is held', () => {
    const migrations = (owner: DataService) =>
      decide(factsOf({ owner })).steps.filter(step => step.do === 'create' && step.object.kind === 'Job')
    const owner = dataService(withSpec({ ...elsewhere, deletionPolicy: 'Delete' }))
    expect(migrations(owner)).toEqual([])
    expect(migrations(held(owner))).toHaveLength(1)
  })
})

const now = new Date('2026-01-01T00:01:00Z')
const job = (creationTimestamp: string, status: object = {}): ObservedChild => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    name: 'orders-remove-uid-of-o',
    namespace: 'shop',
    labels: {},
    annotations: { 'dataservice.dev/retained': 'shop/orders' },
    creationTimestamp,
  },
  status: { ...status },
})
const old = '2026-01-01T00:00:00Z'

test('it begins with a Job that needs nothing with an owner', async () => {
  const due = departure(factsOf({ owner: leaving() }), now)
  if (due.do !== 'begin') throw new Error('it does not begin')
  expect(JSON.stringify(due.objects)).not.toMatch(/ownerReferences|orders-settings|orders-jobs/)
  const text = due.objects.map(each => stringify(each, { lineWidth: 0, aliasDuplicateObjects: false }))
  await expect(text.join('---\n')).toMatchFileSnapshot('../../desired/golden/removal.yaml')
})

function beginning(spec: Parameters<typeof withSpec>[0]): string {
  const owner = dataService(withSpec({ ...elsewhere, deletionPolicy: 'Delete', ...spec }), held)
  const due = departure(factsOf({ owner }), now)
  if (due.do !== 'begin') throw new Error('it does not begin')
  return JSON.stringify(due.objects)
}

test.each(['Internal', 'CertManager'])(
  'with %s hops it needs a certificate only where it asks a Postgres of ours',
  tls => {
    const security = { tls }
    expect(beginning({ security })).not.toMatch(
      /orders-(certificates|jobs-certificate)|\\"tls\\":\\"Internal/,
    )
    const topicsAlone = beginning({ security, postgres: {} })
    expect(topicsAlone).toMatch(/orders-(certificates|jobs-certificate)/)
    expect(topicsAlone).toMatch(/\\"tls\\":\\"Internal/)
  },
)

test('it mounts Secrets of the engines from which it takes something away, and no others', () => {
  const mounted = (spec: Parameters<typeof beginning>[0]) =>
    new Set(beginning(spec).match(/(?<="secretName":")[^"]+/g))
  const ofPostgres = ['db', 'db-ca', 'orders-credentials']
  const ofKafka = ['kafka', 'kafka-ca', 'kafka-cert']
  expect(mounted({})).toEqual(new Set([...ofKafka, ...ofPostgres]))
  expect(mounted({ kafka: { strimzi: { cluster: 'main' } } })).toEqual(new Set(ofPostgres))
  const given = { external: { ...kafkaOfOthers, topics: 'Given' } }
  expect(mounted({ kafka: given })).toEqual(new Set(ofPostgres))
  const kept = { kafka: { ...elsewhere.kafka, deletionPolicy: 'Retain' } }
  expect(mounted(kept)).toEqual(new Set(ofPostgres))
  const keptTables = { postgres: { ...elsewhere.postgres, deletionPolicy: 'Retain' } }
  expect(mounted(keptTables)).toEqual(new Set([...ofKafka, 'db-ca', 'orders-credentials']))
})

test('it waits for the Job for a minute, and then tells what is left and why', () => {
  const owner = leaving()
  const younger = job('2026-01-01T00:00:50Z')
  expect(departure(factsOf({ owner, children: [younger] }), now)).toEqual({ do: 'wait', forMs: 50_000 })
  const message = 'RightsMissing: Postgres db.test:5433: permission denied to drop role\n'
  const container = { ready: false, state: { terminated: { exitCode: 1, message } } }
  const pods = [pod({ owner: 'remove', name: 'orders-remove-1', container })]
  const due = departure(factsOf({ owner, children: [job(old)], pods }), now)
  if (due.do !== 'end') throw new Error('it does not end')
  expect(due.leftBehind).toMatch(
    /^left behind: schema ds_\w{10} with the roles ds_\w+_owner, ds_\w+_writer, ds_\w+_reader in database services of Postgres db.test:5433; and topics shop.orders.events, .* of Kafka kafka-1.test:9093,kafka-2.test:9093\. /,
  )
  expect(due.leftBehind).toContain('because: Postgres db.test:5433: permission denied to drop role')
})

test('a Job that did it, and a policy that was changed at the last moment, let it go', () => {
  const done = job(old, { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] })
  expect(departure(factsOf({ owner: leaving(), children: [done] }), now)).toEqual({ do: 'end' })
  const kept = leaving(withSpec({ deletionPolicy: 'Retain' }))
  expect(departure(factsOf({ owner: kept }), now)).toEqual({ do: 'end' })
})

const classGone: ClassChoice = { kind: 'missing', name: 'gone', named: true }

test('where the class is gone it is waited for a minute, and then the settings of its pods say what is left', () => {
  const before = upAndRunning(leaving())
  const left = (deletionTimestamp: string, changes: Partial<World> = {}) => {
    const providers = { kafka: 'external', postgres: 'external', redis: 'managed' } as const
    const owner: DataService = {
      ...dataService(withSpec({ className: 'gone', deletionPolicy: 'Delete' }), held),
      status: { providers },
    }
    owner.metadata.deletionTimestamp = deletionTimestamp
    return departure(factsOf({ ...before, owner, choice: classGone, ...changes }), now)
  }
  expect(left('2026-01-01T00:00:50Z')).toEqual({ do: 'wait', forMs: 50_000 })
  expect(left(old)).toEqual({
    do: 'end',
    leftBehind: expect.stringMatching(
      /^left behind: schema ds_\w{10} with .* of Postgres db\.test:5433; and topics shop\.orders\.events, .*because: spec\.className: there is no DataServiceClass gone/,
    ),
  })
  expect(left(old, { children: [] })).toMatchObject({
    leftBehind: expect.stringContaining('what this DataService has at engines of others'),
  })
  // A Job that works already needs no class any more.
  const done = job(old, { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] })
  expect(left(old, { children: [done] })).toEqual({ do: 'end' })
})

test('what holds back every other write does not hold back a removal that knows where things are', () => {
  const facts = factsOf({ owner: leaving(withSpec({ backup: { schedule: '0 3 * * *' } })) })
  expect(facts.block?.reason).toBe('BackupElsewhere')
  expect(departure(facts, now)).toMatchObject({ do: 'begin' })
})

/** What was made without an owner. */
async function leftOf({ cluster, key }: Rehearsal): Promise<string[]> {
  const { namespace, name } = key
  const refs: ObjectRef[] = [
    { kind: 'DataService', namespace, name },
    ...['identity', 'credentials'].map(part => ({
      kind: 'Secret' as const,
      namespace,
      name: `${name}-${part}`,
    })),
  ]
  const named = await Promise.all(refs.map(ref => cluster.get(ref)))
  const others = await Promise.all((['Job', 'ConfigMap'] as const).map(kind => cluster.list(kind)))
  return [...named, ...others.flat()].flatMap(object =>
    object === undefined || object.metadata.ownerReferences !== undefined
      ? []
      : [`${object.kind} ${object.metadata.name}`],
  )
}

async function deleted(): Promise<Rehearsal> {
  const rehearsal = await rehearse(dataService(withSpec({ ...elsewhere, deletionPolicy: 'Delete' })))
  await untilSettled(rehearsal)
  const ref = { kind: 'DataService', ...rehearsal.key } as const
  const uid = (await rehearsal.cluster.get(ref))?.metadata.uid ?? ''
  await rehearsal.cluster.as('user').remove(ref, { uid, propagation: 'Background' })
  return rehearsal
}

test('whichever write of the deletion an operator dies at, the next one ends it and leaves nothing', async () => {
  let kills = 0
  for (let k = 1; ; k++) {
    const rehearsal = await deleted()
    const died = await untilSettled(rehearsal, dying(rehearsal.cluster, k)).then(
      () => false,
      (error: unknown) => error instanceof Killed,
    )
    await untilSettled(rehearsal) // by an operator that remembers nothing
    expect(await leftOf(rehearsal), `write ${k}`).toEqual([])
    if (!died) break
    kills += 1
  }
  expect(kills).toBeGreaterThan(5)
})

test('a class that went at the same time leaves nothing behind here, and an event tells what is there', async () => {
  const scram = { mechanism: 'SCRAM-SHA-512', ...kafkaOfOthers.scram } as const
  const { bootstrapServers } = kafkaOfOthers
  const production = dataServiceClass('production', {
    kafka: { external: { bootstrapServers, scram, topics: 'Create', replicationFactor: 3 } },
    postgres: { external: { ...postgresOfOthers, maxConnections: 100 } },
  })
  const rehearsal = await rehearse(
    dataService(withSpec({ className: 'production', deletionPolicy: 'Delete' })),
  )
  const { cluster, key } = rehearsal
  await cluster.as('user').create(production)
  await untilSettled(rehearsal)
  for (const ref of [
    { kind: 'DataServiceClass', name: 'production' } as const,
    { kind: 'DataService', ...key } as const,
  ]) {
    const uid = (await cluster.get(ref))?.metadata.uid ?? ''
    await cluster.as('user').remove(ref, { uid, propagation: 'Background' })
  }
  const at = (time: string) => startedOn(rehearsal, cluster, { differing: { now: () => new Date(time) } })
  expect(await at('1970-01-01T00:00:59Z')()).toMatchObject({ kind: 'waiting', reason: 'TakesAway' })
  expect(await cluster.get({ kind: 'DataService', ...key })).toBeDefined()
  await at('1970-01-01T00:01:01Z')()
  expect(await leftOf(rehearsal)).toEqual([])
  const events = await cluster.list<KubernetesObject & { reason: string; note: string }>('Event')
  const notes = events.filter(({ reason }) => reason === 'LeftBehind').map(({ note }) => note)
  expect(notes).toEqual([
    expect.stringMatching(
      /^left behind: schema ds_.*; and topics shop\.orders\.events, .*because: spec\.className/,
    ),
  ])
})

const webhook = new ClusterError('Unavailable', 'failed calling webhook "jobs.example.com"', { status: 500 })

test('an API server that fails for less than a minute is asked again', async () => {
  const rehearsal = await deleted()
  rehearsal.cluster.failWrite(1, { error: webhook })
  const now = () => new Date('1970-01-01T00:00:59Z') // the in-memory cluster deletes at 0
  await expect(startedOn(rehearsal, rehearsal.cluster, { differing: { now } })()).rejects.toBe(webhook)
  expect(await rehearsal.cluster.get({ kind: 'DataService', ...rehearsal.key })).toBeDefined()
})

test.each([new ClusterError('Forbidden', 'quota exceeded: count/jobs.batch'), webhook])(
  'where no Job can be made it is not held, and an event says what is left behind: $message',
  async error => {
    const rehearsal = await deleted()
    const { cluster, key } = rehearsal
    cluster.failWrite(1, { error })
    await startedOn(rehearsal)()
    expect(await cluster.get({ kind: 'DataService', ...key })).toBeUndefined()
    expect(await leftOf(rehearsal)).toEqual([])
    const events = await cluster.list<KubernetesObject & { reason: string; note: string }>('Event')
    const [{ note = '' } = {}] = events.filter(({ reason }) => reason === 'LeftBehind')
    expect(note).toMatch(/^left behind: schema ds_.*because: /)
    expect(note).toContain(error.message)
  },
)
