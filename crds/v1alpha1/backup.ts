/** `spec.backup`: copies of Postgres that outlive its volume. */
import { type Static, Type } from 'typebox'
import { BackupStore } from './backup-store.ts'
import { builtInEngines } from './built-in.ts'
import { canOnlyGrow, sameClass } from './managed.ts'
import { DeletionPolicy, DurationOr, ObjectName, StorageSize } from './scalars.ts'

const Volume = Type.Object(
  {
    size: Type.Optional(
      StorageSize({
        rules: [canOnlyGrow],
        description:
          'Size of the volume of backups. It holds the copies of as many days as retain says, packed, what was written since ' +
          'then, and for the time of a proof one copy unpacked. It can grow later, never shrink. Example: 100Gi. ' +
          `Default: ${builtInEngines.volumeSize}.`,
      }),
    ),
    className: Type.Optional(
      ObjectName({
        rules: [sameClass],
        description:
          'StorageClass of the volume. Cannot be changed once the volume exists. Default: the default StorageClass of the ' +
          'cluster.',
      }),
    ),
  },
  {
    description:
      'The volume of backups. It is kept apart from that of Postgres, on a node that reaches both. ' +
      `Default: ${builtInEngines.volumeSize} of the default StorageClass.`,
  },
)

export const BackupSpec = Type.Object(
  {
    schedule: Type.String({
      maxLength: 100,
      pattern: '^[-0-9A-Za-z*/,]+( [-0-9A-Za-z*/,]+){4}$',
      default: '23 2 * * *',
      description:
        'When a whole copy of the database is made, in the five fields of cron, UTC. Between two of them every change is ' +
        'archived as it happens. Example: 0 */6 * * *. Default: 23 2 * * *, every night.',
    }),
    retain: DurationOr({
      default: '7d',
      description:
        'How far back the database can be restored (minutes m, hours h or days d). Older copies are removed, but never the ' +
        'last one. Example: 30d. Default: 7d.',
    }),
    volume: Type.Optional(Volume),
    deletionPolicy: Type.Optional(
      DeletionPolicy({
        description:
          'What becomes of the volume of backups when the DataService is deleted. With Retain beside a database that goes, a ' +
          'DataService of the same name can restore it. Example: Retain. Default: spec.deletionPolicy.',
      }),
    ),
    s3: Type.Optional(BackupStore),
  },
  {
    description:
      'Backups of Postgres on a volume of their own: whole copies by schedule, each proved by restoring it, and every change ' +
      'in between, so that any moment can be restored (docs/backup.md). Example: {schedule: "0 3 * * *", retain: 14d, ' +
      'volume: {size: 100Gi}}. Default: none. Turning it on or off restarts Postgres once.',
  },
)
export type BackupSpec = Static<typeof BackupSpec>
