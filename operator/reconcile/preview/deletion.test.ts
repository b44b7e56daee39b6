/** Each part that a deletion takes along from a change on is told, and no other. */
import { expect, test } from 'vitest'
import { annotationKeys } from '#operator/desired/labels.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { kafkaOfOthers, postgresOfOthers } from '#operator/testing/engines-of-others.ts'
import { factsOf, upAndRunning } from '#operator/testing/world.ts'
import { deletionRisks } from './deletion.ts'

type Spec = Parameters<typeof withSpec>[0]

/** `marks`: what the identity Secret says of the policy before. */
function risks(before: Spec, change: Spec, marks: Record<string, string> = {}): string[] {
  const running = dataService(withSpec(before))
  const owner = withSpec(change)(running)
  return deletionRisks(factsOf({ ...upAndRunning(running), owner, marks: { 'orders-identity': marks } }))
}

const takes = 'from then on a deletion of this DataService takes'
const log = `${takes} the log with it: the volumes of orders-kafka`
const records = `${takes} all stored records with it: the volumes of orders-postgres`
const copies = `${takes} all copies with it: the volume of orders-backup`
const topics = 'topics shop.orders.events, shop.orders.dead-letters, shop.orders.probe'

const backup = { backup: { schedule: '0 3 * * *' } }
const strimzi = { kafka: { strimzi: { cluster: 'main' } } }
const elsewhere = { kafka: { external: kafkaOfOthers }, postgres: { external: postgresOfOthers } }
const given = { kafka: { external: { ...kafkaOfOthers, topics: 'Given' } } }

test.each<[string, before: Spec, change: Spec, told: unknown[]]>([
  ['nothing of it changes', {}, {}, []],
  ['all of it', backup, { deletionPolicy: 'Delete' }, [log, records, copies]],
  ['Postgres alone', {}, { postgres: { deletionPolicy: 'Delete' } }, [records]],
  ['all but Postgres', {}, { deletionPolicy: 'Delete', postgres: { deletionPolicy: 'Retain' } }, [log]],
  ['backups alone', backup, { backup: { ...backup.backup, deletionPolicy: 'Delete' } }, [copies]],
  [
    'topics of Strimzi',
    strimzi,
    { kafka: { ...strimzi.kafka, deletionPolicy: 'Delete' } },
    [`${takes} the log with it: ${topics} of Kafka main`],
  ],
  [
    'a Cluster of CloudNativePG',
    { postgres: { cloudNativePG: {} } },
    { postgres: { cloudNativePG: {}, deletionPolicy: 'Delete' } },
    [`${takes} all stored records with it: Cluster orders-postgres of CloudNativePG with its volumes`],
  ],
  [
    'engines of others',
    elsewhere,
    { deletionPolicy: 'Delete' },
    [
      `${takes} the log with it: ${topics} of Kafka kafka-1.test:9093,kafka-2.test:9093`,
      expect.stringMatching(
        /takes all stored records with it: schema ds_\w+ with the roles ds_\w+, .* in database services of Postgres db\.test:5433$/,
      ),
    ],
  ],
  ['topics that others made stay', given, { kafka: { ...given.kafka, deletionPolicy: 'Delete' } }, []],
])('%s', (_, before, change, told) => {
  expect(risks(before, change)).toEqual(told)
})

test('what went before is told of no more', () => {
  const marks = (uid: string) => ({ [annotationKeys.leavesWith]: `${uid} kafka` })
  const change = { deletionPolicy: 'Delete' }
  expect(risks({ kafka: { deletionPolicy: 'Delete' } }, change, marks('uid-of-orders'))).toEqual([records])
  expect(risks({}, change, marks('uid-of-another'))).toEqual([log, records])
  expect(risks({ ...backup, deletionPolicy: 'Delete' }, change, marks('uid-of-orders'))).toEqual([records])
})

test('where the Secrets go everything went before', () => {
  const owner = dataService(withSpec({ deletionPolicy: 'Delete' }))
  const facts = factsOf(upAndRunning(owner))
  const owned = { uid: 'u', ownerReferences: [{ uid: owner.metadata.uid, controller: true }] }
  expect(deletionRisks({ ...facts, secrets: new Map([['orders-identity', owned]]) })).toEqual([])
})

test('of one that is not there yet there is nothing to take', () => {
  expect(deletionRisks(factsOf({ owner: dataService(withSpec({ deletionPolicy: 'Delete' })) }))).toEqual([])
})
