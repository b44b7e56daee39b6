/** Data that does not fit or is not there: what pods said when they ended, with the remedy. Pure. */
import { type LastReason, logReasons } from '#dataservice/contract/last-words.ts'
import { fullNameOf } from '#operator/desired/kinds-of-others.ts'
import { annotationKeys, labelKeys } from '#operator/desired/labels.ts'
import {
  credentialsName,
  dataParts,
  delegatedSecrets,
  type EnginePart,
  identityName,
  partName,
} from '#operator/desired/names.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { lastWordsOf } from '#operator/reconcile/last-words.ts'
import { kubectl } from './kubectl.ts'

export interface DataRefused {
  reason: LastReason
  text: string
}

/** What an initialisation anew costs. */
export const cost = {
  kafka: 'what was accepted and is not in Postgres yet is gone',
  postgres: 'all stored records are gone, but those that the log still holds',
} as const

/** Why a part does not take its volume; undefined when it does, or has permission to start anew. */
export function refusedVolume(facts: Facts, part: EnginePart): DataRefused | undefined {
  const words = lastWordsOf(facts.pods, part)
  const keeper = dataParts.find(each => each === part)
  if (words === undefined || keeper === undefined) return undefined
  const { metadata } = facts.owner
  const { name } = metadata
  if (words.reason === 'VolumeMismatch')
    return {
      reason: words.reason,
      text:
        `${words.text}. Put back the Secrets ${identityName(name)} and ${credentialsName(name)} and the images that ` +
        'belong to this volume, or the volume that belongs to them',
    }
  const { initialised, reinitialised } = facts.target.initialisation
  if (words.reason !== 'VolumeLost' || !initialised.has(keeper)) return undefined
  const again = reinitialised.has(keeper)
    ? 'remove the annotation, which was used already, and set it anew: '
    : ''
  const restore =
    keeper === 'postgres' && facts.target.effective.backup !== undefined
      ? 'or create a DataServiceOperation of type Restore (docs/backup.md); '
      : ''
  return {
    reason: words.reason,
    text:
      `${words.text} and held data before. Bring the volume back; ${restore}or, to begin with an empty one, ${again}` +
      `${kubectl(metadata, `annotate dsvc/${name} ${annotationKeys.reinitialise}=${keeper}`)}: ${cost[keeper]}`,
  }
}

/** What has to be done about it, where a user named the engine. */
const remedies: Partial<Record<LastReason, string>> = {
  RetainedDataDiffers:
    'Put back what was declared, or give this DataService another name; the stored data is untouched',
  EngineUnreachable:
    'Start it, or correct host, port and tls of postgres.external of the DataService or its class; it is asked again ' +
    'within five minutes',
  EngineUnfit: 'Mend it there, or name another server in postgres.external of the DataService or its class',
  LoginRefused:
    'Correct the Secret of postgres.external.secretRef, or the server (pg_hba.conf); it is tried again within five minutes',
  RightsMissing: 'Give them there; it is tried again within five minutes',
  NameTaken: 'Nothing was changed there',
  LogUnreachable:
    'Start it, or correct bootstrapServers and tls of kafka.external of the DataService or its class; it is asked again ' +
    'within five minutes',
  LogUnfit: 'Mend it there; it is looked at again within five minutes',
  LogLoginRefused:
    'Correct the Secret of kafka.external.scram.secretRef, or the user; it is tried again within five minutes',
  LogRightsMissing: 'Give them there; it is tried again within five minutes',
  TopicExists: 'Nothing was changed there',
  TopicMissing: 'It is looked for again within five minutes',
}

/** What has to be done where another operator of the cluster runs it: nobody named it by `external`. */
const delegatedRemedies: Readonly<
  Record<'strimzi' | 'cloudNativePG', Partial<Record<LastReason, (facts: Facts) => string>>>
> = {
  cloudNativePG: {
    EngineUnreachable: facts => `${describing('Cluster', facts)}; it is asked again within five minutes`,
    EngineUnfit: () =>
      'Name an image of 16 or newer in postgres.cloudNativePG.imageName of the DataService or its class',
    LoginRefused: facts =>
      `Secret ${delegatedSecrets(facts.owner.metadata.name).access} is CloudNativePG's, who sets the password by it: ` +
      `${describing('Cluster', facts)}; it is tried again within five minutes`,
    RightsMissing: () =>
      'Give them there (a Cluster that the operator makes begins with them); it is tried again within five minutes',
  },
  strimzi: {
    LogUnreachable: facts =>
      `Is Kafka ${facts.target.effective.strimzi?.cluster} up, with a listener as kafka.strimzi.listener of the DataService ` +
      'or its class says? It is asked again within five minutes',
    LogUnfit: facts => `${describing('KafkaTopic', facts)}; it is looked at again within five minutes`,
    LogLoginRefused: facts =>
      `${describing('KafkaUser', facts)}, and the listener has to ask for scram-sha-512; it is tried again within five minutes`,
    LogRightsMissing: facts =>
      `${describing('KafkaUser', facts)}, and the Kafka needs simple authorization; it is tried again within five minutes`,
    TopicMissing: facts => `${describing('KafkaTopic', facts)}; it is looked for again within five minutes`,
  },
}

function describing(kind: 'Cluster' | 'KafkaTopic' | 'KafkaUser', { owner, target }: Facts): string {
  const { name } = owner.metadata
  const one = {
    Cluster: partName(name, 'postgres'),
    KafkaUser: target.effective.strimzi?.user,
    KafkaTopic: undefined,
  }
  const labels = `-l ${labelKeys.instance}=${name}`
  return `${kubectl(owner.metadata, `describe ${fullNameOf(kind)} ${one[kind] ?? labels}`)} tells more`
}

function remedyFor(reason: LastReason, engine: 'kafka' | 'postgres', facts: Facts): string | undefined {
  const provider = facts.target.effective.providers[engine]
  const own = provider === 'strimzi' || provider === 'cloudNativePG' ? delegatedRemedies[provider] : {}
  return own[reason]?.(facts) ?? remedies[reason]
}

/** Why the migration does not take an engine, or the data that is there. */
export function refusedMigration(
  facts: Facts,
  job: string,
  engine: 'kafka' | 'postgres',
): DataRefused | undefined {
  const pods = facts.pods.filter(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === job)
  const words = lastWordsOf(pods, 'migrate', { readyAgain: 'still' })
  const remedy = words && remedyFor(words.reason, engine, facts)
  if (words === undefined || remedy === undefined) return undefined
  if (isOfKafka(words.reason) !== (engine === 'kafka')) return undefined
  return { reason: words.reason, text: `${words.text}. ${remedy}` }
}

const isOfKafka = (reason: LastReason): boolean => logReasons.some(each => each === reason)
