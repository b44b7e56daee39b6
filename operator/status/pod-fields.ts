/** Where a user, or a class, changes what pods ask for. Pure. */
import type { Part } from '#operator/desired/names.ts'

export type PodOwner = Part | 'migrate' | 'backup' | 'backup-s3'

/** Paths of the spec. */
export interface PodFields {
  /** Where they run, and with which Secrets of a registry. */
  pod: string
  /** Absent: CPU and memory are built in. */
  resources?: string
  /** Absent: they make no volume. */
  storage?: string
}

const under = (path: string) => ({ pod: `${path}.pod`, resources: `${path}.resources` })
const keeping = (path: string) => ({ ...under(path), storage: `${path}.storage` })

export const podFields: Readonly<Record<PodOwner, PodFields>> = {
  gateway: under('spec.gateway'),
  writer: under('spec.writer'),
  reader: under('spec.reader'),
  kafka: keeping('spec.kafka.managed'),
  postgres: keeping('spec.postgres.managed'),
  redis: under('spec.redis.managed'),
  migrate: { pod: 'spec.writer.pod' },
  backup: { pod: 'spec.postgres.managed.pod', storage: 'spec.backup.volume' },
  'backup-s3': { pod: 'spec.postgres.managed.pod' },
}
