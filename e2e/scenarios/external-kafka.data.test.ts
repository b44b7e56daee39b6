/** A Kafka of somebody else with TLS, logins and rights, reached with the settings that the operator renders. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import kafkajs, { type Admin } from 'kafkajs'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { accessFiles, certificateFiles, credentialFiles, type Role } from '#dataservice/contract/names.ts'
import { parseSettings, type Settings } from '#dataservice/contract/settings.ts'
import { startRole } from '#dataservice/testing/role-process.ts'
import { type TestCertificates, testCertificates } from '#e2e/engines/certificates.ts'
import { type Kafka, startKafka } from '#e2e/engines/kafka.ts'
import { type Postgres, startPostgres } from '#e2e/engines/postgres.ts'
import { type ServiceDatabase, serviceDatabase } from '#e2e/engines/service-database.ts'
import { ofClass } from '#operator/testing/class.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { ready } from './open-role-stack.ts'
import { playStrimzi } from './play-strimzi.ts'
import { settledIn } from './settled.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
const users = { orders: 'orders-secret', guest: 'guest-secret', 'orders-kafka': 'made-by-strimzi' }
const prefix = 'eu1.shop.orders.'

let certificates: TestCertificates
let authority: string
let kafka: Kafka
let postgres: Postgres
let client: kafkajs.Kafka
let admin: Admin
beforeAll(async () => {
  certificates = await testCertificates()
  authority = await readFile(join(certificates.engines, 'ca.crt'), 'utf8')
  const engines = await Promise.all([
    startKafka({ brokers: 1, tlsFrom: certificates.engines, users }),
    startPostgres(),
  ])
  ;[kafka, postgres] = engines
  client = new kafkajs.Kafka({ brokers: kafka.bootstrapServers, logLevel: kafkajs.logLevel.NOTHING })
  admin = client.admin()
  await admin.connect()
  await giveRights()
  return async () => {
    await admin.disconnect()
    await Promise.all(engines.map(engine => engine.remove()))
    await certificates.remove()
  }
}, 120_000)

/** As docs/classes.md says it. */
const onTopics = [
  'READ',
  'WRITE',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'CREATE',
  'ALTER',
  'ALTER_CONFIGS',
] as const
type Operation = (typeof onTopics)[number] | 'DELETE'

interface Whom {
  user?: keyof typeof users
  /** What the names of topics and group begin with. */
  on?: string
}

async function giveRights(
  operations: readonly Operation[] = onTopics,
  { user = 'orders', on = prefix }: Whom = {},
): Promise<void> {
  const right = (resourceType: number, operation: Operation) => ({
    resourceType,
    resourceName: on,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: `User:${user}`,
    host: '*',
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
  })
  const acl = [
    ...operations.map(operation => right(AclResourceTypes.TOPIC, operation)),
    right(AclResourceTypes.GROUP, 'READ'),
  ]
  await admin.createAcls({ acl })
}

/** What the pods of `shop/orders` are told, over a database of their own. */
function rendered(database: ServiceDatabase, changes: object = {}, scopePrefix = 'eu1'): Settings {
  const external = {
    bootstrapServers: kafka.loginServers,
    scram: { secretRef: { name: 'kafka' } },
    tls: { caSecretRef: { name: 'kafka-ca' } },
    replicationFactor: 1,
    ...changes,
  }
  const service = dataService(withSpec({ kafka: { external, topic: { partitions: 2 } } }))
  const { text } = targetOf(service, [], ofClass({ scopePrefix })).settings
  return { ...parseSettings(text), store: database.store }
}

interface Given {
  user?: keyof typeof users
  /** False: the Secret has a password alone. */
  isNamed?: boolean
  password?: string
  authority?: string
}

async function started(role: Role, settings: Settings, database: ServiceDatabase, given: Given = {}) {
  const { user = 'orders', password = users[user], isNamed = true } = given
  const text = (name: string) => readFile(join(certificates.of('writer'), name), 'utf8')
  const process = await startRole(role, settings, {
    credentials: {
      [credentialFiles.postgresPassword]: database.password(role === 'writer' ? 'writer' : 'owner'),
    },
    files: {
      ...(isNamed && { [`kafka-access/${accessFiles.username}`]: user }),
      [`kafka-access/${accessFiles.password}`]: `${password}\n`,
      'kafka-ca.crt': given.authority ?? authority,
      [`kafka-certificate/${certificateFiles.certificate}`]: await text(certificateFiles.certificate),
      [`kafka-certificate/${certificateFiles.key}`]: await text(certificateFiles.key),
    },
  })
  onTestFinished(() => process.remove())
  return process
}

const migrated = (settings: Settings, database: ServiceDatabase, given?: Given) =>
  ran('migrate', settings, database, given)

async function ran(
  program: 'migrate' | 'remove',
  settings: Settings,
  database: ServiceDatabase,
  given?: Given,
) {
  const role = await started(program, settings, database, given)
  const exitCode = await role.exitCode
  return { exitCode, said: role.log() }
}

test('topics are made and kept as they should be, and records go through to Postgres', async () => {
  const database = await serviceDatabase(postgres.address)
  const settings = rendered(database)
  const first = await migrated(settings, database)
  expect(first.exitCode, first.said).toBe(0)
  const made = async () => (await admin.listTopics()).filter(name => name.startsWith(prefix)).sort()
  const wanted = ['dead-letters', 'events', 'probe'].map(name => `${prefix}${name}`)
  await settledIn(30_000, async () => expect(await made()).toEqual(wanted))
  const [gateway, writer] = await Promise.all([
    started('gateway', settings, database),
    started('writer', settings, database),
  ])
  await Promise.all([gateway, writer].map(ready))
  const post = await fetch(`${gateway.url}/data`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"customerId":"ann","amount":7}',
  })
  expect(post.status).toBe(202)
  const reader = database.open('reader')
  onTestFinished(() => reader.close())
  await settledIn(60_000, async () =>
    expect((await reader.query('SELECT count(*) FROM records')).rows).toEqual([['1']]),
  )
  const more = { ...settings, log: { ...settings.log, others: grown(settings) } }
  expect((await migrated(more, database)).exitCode).toBe(0)
  await settledIn(30_000, async () => {
    const [events] = (await admin.fetchTopicMetadata({ topics: [`${prefix}events`] })).topics
    expect(events?.partitions).toHaveLength(3)
  })
}, 180_000)

test('a service that goes takes the topics along that were made for it, and no others', async () => {
  const database = await serviceDatabase(postgres.address)
  const settings = rendered(database)
  await admin.deleteTopics({ topics: (await admin.listTopics()).filter(name => name.startsWith(prefix)) })
  await settledIn(30_000, async () => expect((await migrated(settings, database)).exitCode).toBe(0))
  await admin.createTopics({ topics: [{ topic: `${prefix}of-somebody-else`, numPartitions: 1 }] })

  const told: Settings = { ...settings, leaves: ['kafka'] }
  const denied = await ran('remove', told, database)
  expect(denied.exitCode).toBe(1)
  expect(denied.said).toMatch(/LogRightsMissing: .*TOPIC_AUTHORIZATION_FAILED.*--operation Delete/)
  await giveRights(['DELETE'])
  for (const _ of ['first', 'again']) {
    const { exitCode, said } = await ran('remove', told, database)
    expect(exitCode, said).toBe(0)
  }
  await settledIn(30_000, async () =>
    expect((await admin.listTopics()).filter(name => name.startsWith(prefix))).toEqual([
      `${prefix}of-somebody-else`,
    ]),
  )
})

test('what Strimzi is asked for is enough: its topics, and its user with those rights and a Secret without a name', async () => {
  const database = await serviceDatabase(postgres.address)
  const strimzi = { cluster: 'main', replicationFactor: 1 }
  const service = dataService(withSpec({ kafka: { strimzi, topic: { partitions: 2 } } }))
  const target = targetOf(service, [], ofClass({ scopePrefix: 'eu5' }))
  const settings = parseSettings(target.settings.text)
  const inReach = {
    ...settings,
    log: { ...settings.log, brokers: kafka.loginServers },
    store: database.store,
  }
  await playStrimzi(target, admin)
  const user = { user: 'orders-kafka', isNamed: false } as const
  const first = await migrated(inReach, database, user)
  expect(first.exitCode, first.said).toBe(0)
  const [gateway, writer] = await Promise.all([
    started('gateway', inReach, database, user),
    started('writer', inReach, database, user),
  ])
  await Promise.all([gateway, writer].map(ready))
  const body = '{"customerId":"ann","amount":7}'
  const headers = { 'content-type': 'application/json' }
  expect((await fetch(`${gateway.url}/data`, { method: 'POST', headers, body })).status).toBe(202)
  const reader = database.open('reader')
  onTestFinished(() => reader.close())
  await settledIn(60_000, async () =>
    expect((await reader.query('SELECT count(*) FROM records')).rows).toEqual([['1']]),
  )
}, 180_000)

/** Three partitions, and records are kept for an hour. */
function grown({ log: { others, eventsTopic } }: Settings) {
  if (others === undefined) throw new Error('it is a Kafka of others')
  const wanted = others.wanted.map(topic =>
    topic.name === eventsTopic
      ? { ...topic, partitions: 3, config: { ...topic.config, 'retention.ms': '3600000' } }
      : topic,
  )
  return { ...others, wanted }
}

test('a topic that is there already is not taken, unless somebody says that it was made for this service', async () => {
  const topic = 'eu2.shop.orders.events'
  const configEntries = [{ name: 'retention.ms', value: '60000' }]
  await admin.createTopics({ topics: [{ topic, numPartitions: 2, configEntries }] })
  const database = await serviceDatabase(postgres.address)
  const certified = { bootstrapServers: kafka.encryptedServers, scram: undefined }
  const tls = { caSecretRef: { name: 'ca' }, clientCertificateRef: { name: 'own' } }
  const own = rendered(database, { ...certified, tls }, 'eu2')
  const refused = await migrated(own, database)
  expect(refused.exitCode).toBe(1)
  expect(refused.said).toContain(
    `TopicExists: Kafka ${kafka.encryptedServers[0]}: topic ${topic} is there already`,
  )
  const given = rendered(database, { ...certified, tls, topics: 'Given' }, 'eu2')
  const unfit = await migrated(given, database)
  expect(unfit.said).toMatch(
    /LogUnfit: .*topic eu2\.shop\.orders\.events has other settings: set .*retention\.ms=604800000/,
  )
  expect((await migrated(own, database)).said, 'it is still not its own').toContain('TopicExists')
  expect((await ran('remove', { ...own, leaves: ['kafka'] }, database)).exitCode).toBe(0)
  expect(await admin.listTopics()).toContain(topic)
  const missing = rendered(database, { ...certified, tls, topics: 'Given' }, 'eu3')
  expect((await migrated(missing, database)).said).toMatch(
    /TopicMissing: .*kafka-topics\.sh --bootstrap-server \S+ --create --topic eu3\.shop\.orders\.events --partitions 2 /,
  )
  // Where Strimzi makes them, nobody else is told to.
  const others = missing.log.others && { ...missing.log.others, username: 'orders-kafka' }
  const delegated = await migrated(
    { ...missing, log: { ...missing.log, ...(others && { others }) } },
    database,
  )
  expect(delegated.said).toMatch(/TopicMissing: .*there is no topic eu3\.shop\.orders\.events"/)
  expect(delegated.said).not.toContain('kafka-topics.sh')
}, 120_000)

/** An empty one, in the place of any that has the name. */
async function madeAnew(topic: string): Promise<void> {
  const isThere = async () => (await admin.listTopics()).includes(topic)
  if (await isThere()) await admin.deleteTopics({ topics: [topic] })
  await settledIn(30_000, async () => expect(await isThere()).toBe(false))
  await settledIn(30_000, async () =>
    expect(await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })).toBe(true),
  )
}

test('a topic is its own by its id: one that others made after a refusal, or in its place, is not', async () => {
  const to = { user: 'guest', on: 'eu6.shop.orders.' } as const
  const topic = `${to.on}events`
  const database = await serviceDatabase(postgres.address)
  const settings = rendered(database, {}, 'eu6')
  const run = () => migrated(settings, database, { user: to.user })
  const claims = async (value?: string) => {
    const owner = database.open('owner')
    onTestFinished(() => owner.close())
    if (value !== undefined)
      await owner.query(`UPDATE service_facts SET value = '${value}' WHERE name = 'log.topics'`)
    const { rows } = await owner.query(`SELECT value FROM service_facts WHERE name = 'log.topics'`)
    return rows[0]?.[0]
  }
  await giveRights(['DESCRIBE', 'DESCRIBE_CONFIGS'], to)
  expect((await run()).said).toMatch(/LogRightsMissing: .*--operation Create /)
  expect(await claims()).toBe('')
  await giveRights(onTopics, to)
  await madeAnew(topic)
  expect((await run()).said).toContain(`topic ${topic} is there already`)

  // As a run leaves it that ends before it has the id.
  expect(await claims(`${topic}=`)).toBe(`${topic}=`)
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'of somebody else' }] })
  await producer.disconnect()
  expect((await run()).said, 'somebody uses it').toContain('TopicExists')
  await madeAnew(topic)
  const taken = await run()
  expect(taken.exitCode, taken.said).toBe(0)
  expect(await claims()).toMatch(/^eu6\.shop\.orders\.events=[0-9a-f-]{36}( \S+=[0-9a-f-]{36}){2}$/)
  await madeAnew(topic)
  expect((await run()).said, 'another one in its place').toContain('TopicExists')
}, 180_000)

const refusals: Record<string, { given?: Given; changes?: object; says: RegExp }> = {
  'a user without rights': {
    given: { user: 'guest' },
    says: /LogRightsMissing: .*kafka-acls\.sh --add .* --operation Create .*--topic eu4\.shop\.orders\. /,
  },
  'a wrong password': {
    given: { password: 'wrong-one' },
    says: /LogLoginRefused: Kafka 127\.0\.0\.1:\d+: the user of the given Secret is not let in/,
  },
  'brokers of an authority that nobody named': {
    changes: { tls: {} },
    says: /LogUnreachable: .*certificate/,
  },
  'nobody at the port': {
    changes: { bootstrapServers: ['127.0.0.1:1'] },
    says: /LogUnreachable: Kafka 127\.0\.0\.1:1 does not answer as Kafka/,
  },
}

test.each(Object.entries(refusals))('%s is told with its cause', async (_name, { given, changes, says }) => {
  const database = await serviceDatabase(postgres.address)
  const { exitCode, said } = await migrated(rendered(database, changes, 'eu4'), database, given)
  expect(exitCode).toBe(1)
  expect(said).toMatch(says)
  expect(said).not.toMatch(/wrong-one|orders-secret|guest-secret/)
})
