/** What the API server refuses about who runs an engine. */
import type { Refusal } from './caller-refusals.ts'

const record = { schema: { type: 'object' } }

export const providerRefusals: Record<string, Refusal> = {
  'a Redis that two run': {
    spec: { record, redis: { managed: {}, external: { host: 'cache.example.com' } } },
    says: 'redis is either managed or external: keep one of the two',
  },
  'an external Redis without a host': {
    spec: { record, redis: { external: {} } },
    says: 'spec.redis.external.host: Required value',
  },
  'an external Redis at no host': {
    spec: { record, redis: { external: { host: 'a b' } } },
    says: 'spec.redis.external.host',
  },
}
