/**
 * The topics of one service on a Kafka that others run. Which of them are its own stands in its database, so that a topic
 * of another service, for example one of the same name in another Kubernetes cluster, is never taken.
 */
import type { OthersLog, Settings, WantedTopic } from '#dataservice/contract/settings.ts'
import { kafkaError } from '#dataservice/platform/kafka/link.ts'
import type { TopicAdmin } from '#dataservice/platform/kafka/topic-admin.ts'
import { Refused } from '#dataservice/platform/refused.ts'
import {
  announce,
  type Claiming,
  type Claims,
  claimedNames,
  isClaimed,
  isOwn,
  readClaims,
  settle,
  storeClaims,
  withdraw,
} from './topic-claims.ts'

export interface OthersTopics extends Claiming {
  admin: TopicAdmin
  log: Settings['log'] & { others: OthersLog }
}

/** `claims`: as they are stored; nobody else changes them meanwhile. */
interface ClaimedTopics extends OthersTopics {
  claims: Claims
}

/** With `alone`. Rejects with `Refused` where only a person can help. Runs any number of times. */
export async function ensureTopics(others: OthersTopics): Promise<void> {
  const { admin, log } = others
  const { wanted, topics } = log.others
  const claims = await readClaims(others)
  const seen = await Promise.all(wanted.map(async topic => ({ topic, found: await admin.find(topic.name) })))
  for (const { topic, found } of seen) {
    if (found.view === undefined && found.error !== unknown) throw denied(found.error, log)
    if (topics === 'Given' || found.view === undefined) continue
    const [name, id] = [topic.name, found.view.topicId]
    if (!(await isOwn({ name, id }, claims, admin))) throw taken(name)
    settle(claims, name, id)
  }
  if (topics === 'Create') await storeClaims(claims, others)
  for (const { topic, found } of seen) await ensure(topic, found.view?.partitions, { ...others, claims })
}

const unknown = 'UNKNOWN_TOPIC_OR_PARTITION'

async function ensure(
  topic: WantedTopic,
  partitions: number | undefined,
  others: ClaimedTopics,
): Promise<void> {
  const { admin, log } = others
  const mayChange = log.others.topics === 'Create'
  try {
    if (partitions === undefined) {
      if (!mayChange)
        throw new Refused('TopicMissing', `there is no topic ${topic.name}${creation(topic, log)}`)
      await make(topic, others)
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
    throw code === undefined ? error : denied(code, log)
  }
}

/**
 * The word that it is about to be made stands before, so that a run that ends before it has the id is no matter to the next
 * one. After a refusal that word is taken back: who makes a topic of that name later made it for somebody else.
 */
async function make(topic: WantedTopic, others: ClaimedTopics): Promise<void> {
  const { name } = topic
  const { claims } = others
  const wasClaimed = isClaimed(claims, name)
  await storeClaims(announce(claims, name), others)
  try {
    settle(claims, name, await others.admin.create(topic))
  } catch (error) {
    const code = kafkaError(error)
    const exists = code === 'TOPIC_ALREADY_EXISTS'
    // Nobody knows what became of it, or an earlier run made it and not every broker has heard of that.
    if (code === undefined || code === 'REQUEST_TIMED_OUT' || (exists && wasClaimed)) throw error
    withdraw(claims, name)
    await storeClaims(claims, others)
    throw exists ? taken(name) : error
  }
  await storeClaims(claims, others)
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
      'kafka.external.topics: Given, and leave it so',
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

/**
 * Those that were made for the service with these tables; those that are gone already are no matter. Rejects with `Refused`
 * where only a person can help.
 */
export async function removeTopics(others: OthersTopics): Promise<void> {
  const { admin, log } = others
  const claims = await readClaims(others)
  for (const name of claimedNames(claims)) {
    const code = await removed(name, claims, admin)
    if (code !== done && code !== unknown) throw denied(code, log, ['Delete'])
  }
}

const done = 'NONE'

/** Answers in Kafka's words how it went. One that is not its own is left. */
async function removed(name: string, claims: ReadonlySet<string>, admin: TopicAdmin): Promise<string> {
  const { error, view } = await admin.find(name)
  if (view === undefined || !(await isOwn({ name, id: view.topicId }, claims, admin))) return error
  try {
    await admin.remove(name)
    return done
  } catch (failure) {
    const code = kafkaError(failure)
    if (code === undefined) throw failure
    return code
  }
}
