/** What a DataService has at engines that others run, and that goes with it only if we take it away. Pure. */
import { logOf } from './log-settings.ts'
import { storeOf } from './store-settings.ts'
import type { Target } from './target.ts'

type Known = Pick<Target, 'owner' | 'effective'>

/** In words for people, with where it is. Kinds of delegated engines have an owner, and go with it. */
export function hasElsewhere({ owner, effective }: Known): string[] {
  const { providers } = effective
  const { schema, users, database, primary } = storeOf(owner, effective)
  const { brokers, others } = logOf(owner, effective)
  const topics = others?.wanted.map(({ name }) => name) ?? []
  return [
    ...(providers.postgres === 'external'
      ? [
          `schema ${schema} with the roles ${Object.values(users).join(', ')} in database ${database} of ` +
            `Postgres ${primary.host}:${primary.port}`,
        ]
      : []),
    ...(providers.kafka === 'external' && others?.topics === 'Create'
      ? [`topics ${topics.join(', ')} of Kafka ${brokers.join(',')}`]
      : []),
  ]
}

/** Whether we take it away before the DataService is gone. */
export const takesAway = (known: Known): boolean =>
  known.owner.spec.deletionPolicy === 'Delete' && hasElsewhere(known).length > 0
