/** What a DataService has at engines that others run, and that goes with it only if we take it away. Pure. */
import { parseSettings, type Settings } from '#dataservice/contract/settings.ts'
import { leavingParts } from './deletion-policy.ts'
import { logOf } from './log-settings.ts'
import { type DataPart, dataParts, settingsName } from './names.ts'
import { settingsKey } from './settings-config-map.ts'
import { storeOf } from './store-settings.ts'
import type { Target } from './target.ts'

type Known = Pick<Target, 'owner' | 'effective'>

interface Place extends Pick<Settings, 'log' | 'store'> {
  providers: Partial<Target['effective']['providers']>
}

/** In words for people, with where it is. Kinds of delegated engines have an owner, and go with it. */
function wordsOf({ providers, store, log }: Place, parts: readonly DataPart[]): string[] {
  const { schema, users, database, primary } = store
  const { brokers, others } = log
  const topics = others?.wanted.map(({ name }) => name) ?? []
  return [
    ...(providers.postgres === 'external' && parts.includes('postgres')
      ? [
          `schema ${schema} with the roles ${Object.values(users).join(', ')} in database ${database} of ` +
            `Postgres ${primary.host}:${primary.port}`,
        ]
      : []),
    ...(providers.kafka === 'external' && others?.topics === 'Create' && parts.includes('kafka')
      ? [`topics ${topics.join(', ')} of Kafka ${brokers.join(',')}`]
      : []),
  ]
}

/** As it is asked for. */
export const hasElsewhere = (
  { owner, effective }: Known,
  parts: readonly DataPart[] = dataParts,
): string[] => {
  const { providers } = effective
  return wordsOf({ providers, store: storeOf(owner, effective), log: logOf(owner, effective) }, parts)
}

/** As its pods know it, for where nobody knows any more what is asked for; empty where they were never told. */
export function knownElsewhere(
  { owner, observed }: Pick<Target, 'owner' | 'observed'>,
  parts: readonly DataPart[],
): string[] {
  const text = observed('ConfigMap', settingsName(owner.metadata.name))?.data?.[settingsKey]
  if (typeof text !== 'string') return []
  try {
    return wordsOf({ providers: owner.status?.providers ?? {}, ...parseSettings(text) }, parts)
  } catch {
    return [] // of an operator of another version
  }
}

/** What the removal needs Secrets of the user for. */
export const removesTopics = ({ owner, effective }: Known): boolean =>
  hasElsewhere({ owner, effective }, ['kafka']).length > 0 && leavingParts(owner.spec).includes('kafka')
export const removesSchema = ({ owner, effective }: Known): boolean =>
  effective.postgres !== undefined && leavingParts(owner.spec).includes('postgres')

/** Which topics are to go stands in the tables, so the removal comes in there anyway. */
export const asksOurPostgres = ({ effective }: Known): boolean => effective.postgres === undefined

/** What of it we take away before the DataService is gone. */
export const takenAway = (known: Known): string[] => hasElsewhere(known, leavingParts(known.owner.spec))

export const takesAway = (known: Known): boolean => takenAway(known).length > 0
