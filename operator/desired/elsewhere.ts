/** What a DataService has at engines that others run, and that goes with it only if we take it away. Pure. */
import { leavingParts } from './deletion-policy.ts'
import { logOf } from './log-settings.ts'
import { type DataPart, dataParts } from './names.ts'
import { storeOf } from './store-settings.ts'
import type { Target } from './target.ts'

type Known = Pick<Target, 'owner' | 'effective'>

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
    ...(providers.kafka === 'external' && parts.includes('kafka') && others?.topics === 'Create'
      ? [`topics ${topics.join(', ')} of Kafka ${brokers.join(',')}`]
      : []),
  ]
}

/** What of it we take away before the DataService is gone. */
export const takenAway = (known: Known): string[] => hasElsewhere(known, leavingParts(known.owner.spec))

export const takesAway = (known: Known): boolean => takenAway(known).length > 0
