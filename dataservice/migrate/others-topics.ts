/**
 * The topics of one service on a Kafka that others run. Which of them are its own stands in its database, so that a topic
 * of another service, for example one of the same name in another Kubernetes cluster, is never taken.
 */
import type { OthersLog, Settings, WantedTopic } from '#dataservice/contract/settings.ts'
import { kafkaError } from '#dataservice/platform/kafka/link.ts'
import type { TopicAdmin } from '#dataservice/platform/kafka/topic-admin.ts'
import type { Database } from '#dataservice/platform/postgres/database.ts'
import { quoted } from '#dataservice/platform/postgres/record-fields.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'
import { Refused } from '#dataservice/platform/refused.ts'

export interface OthersTopics {
  admin: TopicAdmin
  log: Settings['log'] & { others: OthersLog }
  /** As the owner of the tables. */
  database: Database
  schema: string
}

const factName = 'log.topics'

/** Rejects with `Refused` where only a person can help. Runs any number of times. */
export async function ensureTopics({ admin, log, database, schema }: OthersTopics): Promise<void> {
  const { wanted, topics } = log.others
  const claimed = new Set(await claimedTopics(database, schema))
  const seen = await Promise.all(wanted.map(async topic => ({ topic, found: await admin.find(topic.name) })))
  for (const { topic, found } of seen) {
    if (found.view === undefined && found.error !== unknown) throw denied(found.error, log)
    if (topics === 'Create' && found.view !== undefined && !claimed.has(topic.name)) throw taken(topic.name)
  }
  // Before they are made: a migration that ends in between finds them its own.
  await claim(database, wanted)
  for (const { topic, found } of seen) await ensure(topic, found.view?.partitions, { admin, log })
}

const unknown = 'UNKNOWN_TOPIC_OR_PARTITION'

async function ensure(
  topic: WantedTopic,
  partitions: number | undefined,
  { admin, log }: Pick<OthersTopics, 'admin' | 'log'>,
): Promise<void> {
  const mayChange = log.others.topics === 'Create'
  try {
    if (partitions === undefined) {
      if (!mayChange)
        throw new Refused('TopicMissing', `there is no topic ${topic.name}${creation(topic, log)}`)
      await admin.create(topic)
      return
    }
    if (partitions < topic.partitions) {
      if (!mayChange)
        throw unfit(topic.name, `${partitions} partitions, and ${topic.partitions} are asked for`)
      await admin.grow(topic.name, topic.partitions)
    }
    const differing = await differingConfig(topic, admin)
    if (Object.keys(differing).length === 0) return
    if (!mayChange) throw unfit(topic.name, `other settings: set ${lines(differing)}`)
    await admin.configure(topic.name, differing)
  } catch (error) {
    const code = kafkaError(error)
    // Another run of this migration was first.
    if (code === 'TOPIC_ALREADY_EXISTS') return
    throw code === undefined ? error : denied(code, log)
  }
}

async function differingConfig(
  { name, config }: WantedTopic,
  admin: TopicAdmin,
): Promise<Record<string, string>> {
  const inForce = await admin.configOf(name, Object.keys(config))
  return Object.fromEntries(Object.entries(config).filter(([key, value]) => inForce.get(key) !== value))
}

const lines = (config: Readonly<Record<string, string>>): string =>
  Object.entries(config)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')

const unfit = (topic: string, what: string): Refused => new Refused('LogUnfit', `topic ${topic} has ${what}`)

/** Where another operator makes them, nobody else is to. */
const creation = (
  { name, partitions, replicationFactor, config }: WantedTopic,
  { brokers, others }: OthersTopics['log'],
): string =>
  others.username === undefined
    ? `: kafka-topics.sh --bootstrap-server ${brokers[0]} --create --topic ${name} --partitions ${partitions} ` +
      `--replication-factor ${replicationFactor}${Object.entries(config)
        .map(([key, value]) => ` --config ${key}=${value}`)
        .join('')}`
    : ''

const taken = (topic: string): Refused =>
  new Refused(
    'TopicExists',
    `topic ${topic} is there already, and nothing says that it is of this DataService. Delete it; or give the class of one ` +
      'of the clusters a scopePrefix of its own; or, where somebody made it for this DataService, set ' +
      'kafka.external.topics: Given',
  )

/** Rights that are missing are named as Kafka's own tool takes them. */
function denied(code: string, log: OthersTopics['log'], besides: readonly string[] = []): Refused {
  if (!code.endsWith('AUTHORIZATION_FAILED'))
    return new Refused('LogUnfit', `it does not make the topics as they should be: ${code}`)
  const more = log.others.topics === 'Create' ? ['Create', 'Alter', 'AlterConfigs'] : []
  const operations = ['Read', 'Write', 'Describe', 'DescribeConfigs', ...more, ...besides]
  const prefix = log.eventsTopic.replace(/events$/, '')
  const options = operations.map(operation => `--operation ${operation}`).join(' ')
  return new Refused(
    'LogRightsMissing',
    `${code}: kafka-acls.sh --add --allow-principal User:${log.others.username ?? 'NAME'} ${options} --topic ${prefix} --group ${prefix} ` +
      '--resource-pattern-type prefixed',
  )
}

/** Topics that were made for the service with these tables. */
export async function claimedTopics(session: Pick<Session, 'query'>, schema: string): Promise<string[]> {
  const text = `SELECT value FROM ${quoted(schema)}.service_facts WHERE name = $1`
  const { rows } = await session.query({ text, values: [factName] })
  return (rows[0]?.[0] ?? '').split(' ').filter(name => name !== '')
}

/** Those that are gone already are no matter. Rejects with `Refused` where only a person can help. */
export async function removeTopics(
  { admin, log }: Pick<OthersTopics, 'admin' | 'log'>,
  names: readonly string[],
): Promise<void> {
  for (const name of names)
    try {
      await admin.remove(name)
    } catch (error) {
      const code = kafkaError(error)
      if (code !== unknown) throw code === undefined ? error : denied(code, log, ['Delete'])
    }
}

async function claim(database: Database, wanted: readonly WantedTopic[]): Promise<void> {
  const text = `INSERT INTO service_facts AS f (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE f.value <> excluded.value`
  await database.query({ text, values: [factName, wanted.map(({ name }) => name).join(' ')] })
}
