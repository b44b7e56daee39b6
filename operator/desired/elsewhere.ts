/** What a DataService has at engines that others run, and that goes with it only if we take it away. Pure. */
import { leavingParts } from './deletion-policy.ts'
import { logOf } from './log-settings.ts'
import { type DataPart, dataParts } from './names.ts'
import { storeOf } from './store-settings.ts'
import type { Target } from './target.ts'

type Known = Pick<Target, 'owner' | 'effective'>

/** On a Kafka that others run. */
const madeTopics = ({ providers, kafka }: Target['effective']): boolean =>
  providers.kafka === 'external' && kafka?.topics === 'Create'

/** In words for people, with where it is. Kinds of delegated engines have an owner, and go with it. */
export function hasElsewhere({ owner, effective }: Known, parts: readonly DataPart[] = dataParts): string[] {
  const { providers } = effective
  const { schema, users, database, primary } = storeOf(owner, effective)
  const { brokers, others } = logOf(owner, effective)
  const topics = others?.wanted.map(({ name }) => name) ?? []
  return [
    ...(providers.postgres === 'external' && parts.includes('postgres')
      ? [
          `schema ${schema} with the roles ${Object.values(users).join(', ')} in database ${database} of ` +
            `Postgres ${primary.host}:${primary.port}`,
        ]
      : []),
    ...(madeTopics(effective) && parts.includes('kafka')
      ? [`topics ${topics.join(', ')} of Kafka ${brokers.join(',')}`]
      : []),
  ]
}

/** What the removal needs Secrets of the user for. */
export const removesTopics = ({ owner, effective }: Known): boolean =>
  madeTopics(effective) && leavingParts(owner.spec).includes('kafka')
export const removesSchema = ({ owner, effective }: Known): boolean =>
  effective.postgres !== undefined && leavingParts(owner.spec).includes('postgres')

/** Which topics are to go stands in the tables, so the removal comes in there anyway. */
export const asksOurPostgres = ({ effective }: Known): boolean => effective.postgres === undefined

/** What of it we take away before the DataService is gone. */
export const takenAway = (known: Known): string[] => hasElsewhere(known, leavingParts(known.owner.spec))

export const takesAway = (known: Known): boolean => takenAway(known).length > 0
