/**
 * The closed vocabulary of `status.conditions`. Dashboards, alerts and `kubectl wait` rely on these words:
 * a type or reason that is not in these tables does not exist.
 */

/** Condition types with what True means. */
export const conditionTypes = {
  /** The desired state is reached. Computed from the others. */
  Ready: 'The data service does what its spec says.',
  /** Work towards the spec is going on; nobody has to act. */
  Reconciling: 'The operator is still working towards the spec.',
  /** Nothing moves until a user changes something; the message says what. */
  Stalled: 'A user must change something; the message says what.',
  /** Present only while the annotation `dataservice.dev/paused` stands. */
  Paused: 'The annotation dataservice.dev/paused holds the operator back.',
  LogReady: 'The Kafka brokers are up.',
  TopicsReady: 'The topics exist with the settings of the spec.',
  DatabaseReady: 'Postgres is up and its tables fit the spec.',
  CacheReady: 'Redis is up.',
  GatewayReady: 'As many gateway pods as wanted are ready; those that an autoscaler adds do not count.',
  WriterReady: 'As many writer pods as wanted are ready.',
  ReaderReady: 'As many reader pods as wanted are ready; those that an autoscaler adds do not count.',
  /** Names the owner of the number of each part's pods. Says nothing about Ready. */
  Scaling: 'The numbers of pods have an owner that can do its work; the message names it.',
  Durable: 'An accepted record survives the loss of one disk.',
} as const
export type ConditionType = keyof typeof conditionTypes

/** Why a condition has its value. CamelCase, stable; the message carries the detail. */
export const reasons = [
  // the desired state is reached
  'Ready',
  'ScaledToZero',
  'Replicated',
  'AutoscaledByCPU',
  'ForeignAutoscaler',
  'FixedNumber',
  // waiting: nobody has to act
  'Settled',
  'Progressing',
  'Creating',
  'RollingOut',
  'Scaling',
  'Migrating',
  'TopicsPending',
  'WaitingForLog',
  'WaitingForTopics',
  'WaitingForDatabase',
  'PodsNotReady',
  'EngineUnreachable',
  'ApplyFailed',
  'MigrationFailed',
  'Crashing',
  'Unschedulable',
  'VolumePending',
  // a user must act
  'Healthy',
  'RecordRefused',
  'NotOwned',
  'StorageNotExpandable',
  'Connections',
  'LogGap',
  'LogTruncated',
  'LogReplaced',
  'InvalidObject',
  'ImageMissing',
  'ContainerNotStarted',
  'OutOfMemory',
  'QuotaExceeded',
  'PodSecurityDenied',
  'PodsRefused',
  'AutoscalersInConflict',
  'MetricsMissing',
  'VolumeLost',
  'VolumeMismatch',
  'RetainedDataDiffers',
  // facts about the choice made
  'PausedByAnnotation',
  'SingleBroker',
] as const
export type Reason = (typeof reasons)[number]
