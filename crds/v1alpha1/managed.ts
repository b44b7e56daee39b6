/**
 * Engines that the operator runs: what a DataService says of them, and what a class says in its stead. Nothing here has
 * a schema default. A rule about change sees only the words of one DataService; that a word comes or goes beside its
 * class is judged by the operator (`operator/reconcile/block.ts`).
 */
import { Type } from 'typebox'
import { builtInEngines, type Level, mostInstances, otherwise } from './built-in.ts'
import { podFields } from './pods.ts'
import { ObjectName, type Rule, StorageSize } from './scalars.ts'

export const canOnlyGrow: Rule = {
  rule: 'quantity(self).compareTo(quantity(oldSelf)) >= 0',
  message:
    'storage.size can only grow, because a volume cannot shrink: keep the old size or choose a larger one',
}

export const sameClass: Rule = {
  rule: 'self == oldSelf',
  message:
    'storage.className cannot change, because the volumes exist: put the old value back, ' +
    'or create another DataService on the new class and copy the records',
}

export const storage = (engine: string, level: Level) => {
  const rules = (rule: Rule) => (level === 'service' ? [rule] : [])
  const growing =
    level === 'service'
      ? 'It can grow later, never shrink.'
      : 'A larger one lets the volumes of the DataServices that use the class grow; a smaller one concerns new volumes only.'
  return Type.Object(
    {
      size: Type.Optional(
        StorageSize({
          rules: rules(canOnlyGrow),
          description: `Size of the volume of each ${engine} pod. ${growing} Example: 100Gi. ${otherwise(level, builtInEngines.volumeSize)}`,
        }),
      ),
      className: Type.Optional(
        ObjectName({
          rules: rules(sameClass),
          description:
            'StorageClass of the volume. Cannot be changed once the volume exists. ' +
            `${otherwise(level, 'the default StorageClass of the cluster')}`,
        }),
      ),
    },
    {
      description:
        `The volume of each ${engine} pod. ` +
        `${otherwise(level, `${builtInEngines.volumeSize} of the default StorageClass`)}`,
    },
  )
}

const oneOrThree: Rule = {
  rule: 'self != 2',
  message:
    'kafka.managed.brokers is 1 or 3: with two brokers neither may be away, so use 3, or 1 to save room',
}

const onlyMoreBrokers: Rule = {
  rule: 'self >= oldSelf',
  message:
    'kafka.managed.brokers can grow from 1 to 3 and never shrink, because records may be on any of them: ' +
    'put the old number back, or create another DataService with the new one',
}

export const managedKafka = (level: Level) =>
  Type.Object(
    {
      brokers: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 3,
          'x-kubernetes-validations': level === 'service' ? [oneOrThree, onlyMoreBrokers] : [oneOrThree],
          description:
            'Number of brokers, 1 or 3. With 3 a record is accepted when two brokers have it, and one broker may be away. ' +
            'One broker keeps every record on one disk, which the condition Durable says. Can grow from 1 to 3 at work; ' +
            `never shrinks. ${otherwise(level, builtInEngines.brokers)}`,
        }),
      ),
      storage: Type.Optional(storage('Kafka', level)),
      ...podFields('kafka', level),
    },
    {
      description:
        'A Kafka that the operator runs for each DataService alone. ' +
        `${otherwise(level, `one broker with ${builtInEngines.volumeSize}`)}`,
    },
  )

export const managedPostgres = (level: Level) =>
  Type.Object(
    {
      instances: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: mostInstances,
          description:
            'Number of Postgres pods: one primary, and streaming replicas that answer the reader. A replica may be a moment ' +
            'behind. A change restarts the primary once; writes wait in the log meanwhile. Example: 2. ' +
            `${otherwise(level, `${builtInEngines.instances}, the primary alone`)}`,
        }),
      ),
      storage: Type.Optional(storage('Postgres', level)),
      ...podFields('postgres', level),
    },
    {
      description:
        'A Postgres that the operator runs for each DataService alone. ' +
        `${otherwise(level, `one instance with ${builtInEngines.volumeSize}`)}`,
    },
  )

export const managedRedis = (level: Level) =>
  Type.Object(
    {
      instances: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 3,
          description:
            'Number of Redis pods, 1 to 3. Each holds all of the cache: gateways, writers and readers tell all of them, and ask ' +
            'the one that has been up longest, so that one that is evicted or lost leaves a warm cache. They are no more room ' +
            'and no more speed. Can be changed at any time. Example: 2. ' +
            `${otherwise(level, builtInEngines.caches)}`,
        }),
      ),
      ...podFields('redis', level),
    },
    {
      description:
        'A Redis that the operator runs for each DataService alone, without a volume. ' +
        `${otherwise(level, 'one pod')}`,
    },
  )
