/** DataServiceOperation: something done once with the data of a DataService, kept as a record of what became of it. */
import { type Static, Type } from 'typebox'
import { mostInstances } from './built-in.ts'
import { group, type ObjectMeta, version } from './resource.ts'
import { ObjectName } from './scalars.ts'
import { Condition } from './status.ts'

export const kind = 'DataServiceOperation'
export const listKind = 'DataServiceOperationList'
export const plural = 'dataserviceoperations'
export const singular = 'dataserviceoperation'
export const shortName = 'dsop'
export const apiVersion = `${group}/${version}` as const

/** On an operation: who asks for it, in words of one's own. */
export const requestedByAnnotation = `${group}/requested-by`

export const operationTypes = ['Backup', 'Restore', 'Promote'] as const
export type OperationType = (typeof operationTypes)[number]

const RestoreWish = Type.Object(
  {
    time: Type.Optional(
      Type.String({
        maxLength: 40,
        pattern:
          '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$',
        description:
          'The database becomes what it was at this moment. Example: "2026-11-22T08:00:00Z". Default: the last that was ' +
          'archived.',
      }),
    ),
    backup: Type.Optional(
      Type.String({
        maxLength: 16,
        pattern: '^[0-9]{8}T[0-9]{6}Z$',
        description: 'The database becomes what it was when this copy was made. Example: 20261122T080000Z.',
      }),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: '!(has(self.time) && has(self.backup))',
        message: 'restore.time and restore.backup exclude each other: leave one of them out',
      },
    ],
    description:
      'What to go back to; only with type Restore. Example: {time: "2026-11-22T08:00:00Z"}. Default: the last that was ' +
      'archived.',
  },
)
export type RestoreWish = Static<typeof RestoreWish>

const PromoteWish = Type.Object(
  {
    instance: Type.Optional(
      Type.Integer({
        format: 'int32',
        minimum: 0,
        maximum: mostInstances - 1,
        description:
          'The pod of Postgres that becomes the primary, by the number at the end of its name. Example: 1. Default: the ' +
          'first replica that is ready.',
      }),
    ),
  },
  {
    description:
      'Which pod of Postgres becomes the primary; only with type Promote. Example: {instance: 1}. Default: the first replica ' +
      'that is ready.',
  },
)

export const OperationSpec = Type.Object(
  {
    dataService: ObjectName({
      description: 'The DataService that it concerns, in the same namespace. Example: orders.',
    }),
    type: Type.Unsafe<OperationType>({
      type: 'string',
      enum: [...operationTypes],
      description:
        'What is done. Backup: a whole copy of the database is made now, and proved by restoring it. Restore: the database ' +
        'becomes what it was, then the writers go on from where it was (docs/backup.md). Promote: a replica of Postgres ' +
        'becomes the primary, and the one that was it becomes a replica (docs/availability.md).',
    }),
    restore: Type.Optional(RestoreWish),
    promote: Type.Optional(PromoteWish),
    cancel: Type.Boolean({
      default: false,
      description:
        'True gives it up: what waits does not begin, and what runs is ended and leaves everything as it was; a promotion ' +
        'that has begun goes on. It cannot be ' +
        'taken back. Default: false.',
    }),
  },
  {
    'x-kubernetes-validations': [
      {
        rule:
          'self.dataService == oldSelf.dataService && self.type == oldSelf.type && ' +
          'has(self.restore) == has(oldSelf.restore) && (!has(self.restore) || self.restore == oldSelf.restore) && ' +
          'has(self.promote) == has(oldSelf.promote) && (!has(self.promote) || self.promote == oldSelf.promote)',
        message: 'an operation cannot change, but for spec.cancel: create another one',
      },
      {
        rule: "self.type == 'Restore' || !has(self.restore)",
        message: 'spec.restore says what to go back to, and only type Restore does so: leave it out',
      },
      {
        rule: "self.type == 'Promote' || !has(self.promote)",
        message: 'spec.promote says which pod becomes the primary, and only type Promote asks: leave it out',
      },
      {
        rule: '!oldSelf.cancel || self.cancel',
        message: 'an operation that was cancelled cannot go on: create another one',
      },
    ],
    description: 'What should be done. Only cancel can change.',
  },
)
export type OperationSpec = Static<typeof OperationSpec>

export const phases = ['Pending', 'Running', 'Succeeded', 'Failed', 'Cancelled'] as const
export type Phase = (typeof phases)[number]

const time = (description: string) =>
  Type.Optional(Type.String({ format: 'date-time', maxLength: 40, description }))

const MadeBackup = Type.Object(
  {
    name: Type.String({
      maxLength: 64,
      description: 'Its name; it says from which moment on it can be restored.',
    }),
    bytes: Type.Integer({
      format: 'int64',
      minimum: 0,
      description: 'What it takes on the volume of backups.',
    }),
  },
  { description: 'The copy that was made and proved.' },
)

const Restored = Type.Object(
  {
    backup: Type.String({ maxLength: 64, description: 'The copy that it began with.' }),
    until: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'When the last change was made that the database has now.',
      }),
    ),
    movedPartitions: Type.Optional(
      Type.Integer({
        format: 'int32',
        minimum: 0,
        description:
          'Partitions of the log that are another log than before, or begin later: they are read from their start.',
      }),
    ),
    lostRecords: Type.Optional(
      Type.Integer({
        format: 'int64',
        minimum: 0,
        description:
          'Records that had been stored, or should have been, and are neither in the database nor in the log. 0 where the ' +
          'log was kept.',
      }),
    ),
    countedUntil: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'Until when lostRecords was counted; what came after is not known.',
      }),
    ),
  },
  { description: 'What was restored.' },
)

const Promoted = Type.Object(
  {
    instance: Type.Integer({
      format: 'int32',
      minimum: 0,
      description: 'The pod of Postgres that becomes the primary.',
    }),
    from: Type.Integer({ format: 'int32', minimum: 0, description: 'The pod that was it.' }),
  },
  { description: 'Who becomes the primary. Once it stands here the operation cannot be given up.' },
)

export const OperationStatus = Type.Object(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        format: 'int64',
        minimum: 0,
        description: 'The generation that this status speaks of.',
      }),
    ),
    phase: Type.Optional(
      Type.Unsafe<Phase>({
        type: 'string',
        enum: [...phases],
        description: 'Pending and Running go on; Succeeded, Failed and Cancelled are the end.',
      }),
    ),
    message: Type.Optional(
      Type.String({
        maxLength: 4096,
        description: 'What it does, waits for, or ended with; names the remedy.',
      }),
    ),
    requestedBy: Type.Optional(
      Type.String({
        maxLength: 256,
        description:
          `What the annotation ${requestedByAnnotation} said when it was first seen. It is a claim: the API server tells the ` +
          'operator nobody’s name, its audit log has them.',
      }),
    ),
    startedAt: time('When it began; absent while it waits.'),
    completedAt: time('When it ended.'),
    backup: Type.Optional(MadeBackup),
    restore: Type.Optional(Restored),
    promote: Type.Optional(Promoted),
    conditions: Type.Optional(
      Type.Array(Condition, {
        maxItems: 8,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        description:
          'Ready is True when it succeeded: kubectl wait --for=condition=Ready dsop/NAME waits for it.',
      }),
    ),
  },
  { description: 'What became of it. Written by the operator alone.' },
)
export type OperationStatus = Static<typeof OperationStatus>

export const OperationSchema = Type.Object(
  { spec: OperationSpec, status: Type.Optional(OperationStatus) },
  {
    description:
      'Something done once with the data of a DataService. It stays as a record: the 50 last ones that ended are kept for each ' +
      'DataService. One is done at a time; others wait in the order in which they were created.',
  },
)

/** One operation as the API server answers it. */
export interface Operation {
  apiVersion: typeof apiVersion
  kind: typeof kind
  metadata: ObjectMeta
  spec: OperationSpec
  status?: OperationStatus
}

/** It will never change any more. */
export const isOver = ({ status }: Pick<Operation, 'status'>): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed' || status?.phase === 'Cancelled'
