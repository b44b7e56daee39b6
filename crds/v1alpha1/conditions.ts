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
  /** Where it is False for want of a class, so is Ready. */
  ClassReady: 'The class is there and can be used, or none is needed.',
  /** Present only while the annotation `dataservice.dev/plan` stands. */
  Planned: 'The annotation dataservice.dev/plan holds the operator back; the message says what it would do.',
  /** Present only while the operator is newer than the pods. */
  Upgraded: 'The pods are those that the operator of now makes.',
  LogReady: 'The Kafka brokers are up.',
  TopicsReady: 'The topics exist with the settings of the spec.',
  DatabaseReady: 'Postgres is up and its tables fit the spec.',
  CacheReady: 'Redis is up, or somebody else runs it.',
  GatewayReady: 'As many gateway pods as wanted are ready; those that an autoscaler adds do not count.',
  WriterReady: 'As many writer pods as wanted are ready.',
  ReaderReady: 'As many reader pods as wanted are ready; those that an autoscaler adds do not count.',
  /** Where it is False because records get stuck, so is Ready. Unknown while no reader tells. */
  EndToEndReady:
    'Records come through from POST to GET, as fast as spec.slo asks; if not, the reason names the station.',
  /** Names the owner of the number of each part's pods. Says nothing about Ready. */
  Scaling: 'The numbers of pods have an owner that can do its work; the message names it.',
  /** Says nothing about Ready. Unknown while Kafka does not tell. */
  LogHasRoom: 'Neither retention nor a full disk is near to what is accepted and not stored yet.',
  /** Says nothing about Ready. */
  Maintained: 'Partitions are made ahead of time, and what is older than the retention is removed.',
  /** Present only with spec.backup. Says nothing about Ready. */
  BackupReady:
    'Every change of Postgres is archived, in both places where there are two, and there is a copy from which it can be restored.',
  /** Present only with spec.consumers. Says nothing about Ready. */
  ConsumersReady: 'The Secret of every consumer opens the log.',
  /** Says nothing about Ready. */
  Encrypted: 'The parts talk to each other by TLS, with certificates that are valid.',
  /** Present only while the annotation `dataservice.dev/rotate-passwords` stands, or is obeyed. Says nothing about Ready. */
  PasswordsRotated:
    'Postgres and Redis have the passwords that the annotation dataservice.dev/rotate-passwords asked for, and earlier ones open nothing.',
  /** Says nothing about Ready. */
  Durable: 'An accepted record survives the loss of one disk, and of one node.',
} as const
export type ConditionType = keyof typeof conditionTypes

/**
 * Why a condition has its value, and what kind of a value that is. CamelCase, stable; the message carries the detail.
 * `reached`: as it should be. `ordinary`: every start and every change goes through it, or it was chosen. `trouble`:
 * nobody has to act at once, and the operator goes on. `user`: waiting does not mend it, a user must act.
 */
const reasons = {
  Ready: 'reached',
  ScaledToZero: 'reached',
  Replicated: 'reached',
  AutoscaledByCPU: 'reached',
  ForeignAutoscaler: 'reached',
  FixedNumber: 'reached',
  Settled: 'reached',
  Healthy: 'reached',
  WithinRetention: 'reached',
  RunsHourly: 'reached',
  BuiltIn: 'reached',
  Hibernated: 'reached',
  External: 'reached',
  Delegated: 'reached',
  Archiving: 'reached',
  Succeeded: 'reached',
  RecordsPass: 'reached',
  CertificatesValid: 'reached',
  Mesh: 'reached',
  PasswordsNew: 'reached',

  Progressing: 'ordinary',
  Creating: 'ordinary',
  RollingOut: 'ordinary',
  Scaling: 'ordinary',
  Migrating: 'ordinary',
  TopicsPending: 'ordinary',
  WaitingForLog: 'ordinary',
  WaitingForTopics: 'ordinary',
  WaitingForDatabase: 'ordinary',
  PodsNotReady: 'ordinary',
  PausedByAnnotation: 'ordinary',
  PlanOnly: 'ordinary',
  SingleBroker: 'ordinary',
  BrokersShareNode: 'ordinary',
  Growing: 'ordinary',
  NotProbed: 'ordinary',
  HopsPlain: 'ordinary',
  CertificatesPending: 'ordinary',
  AuthorityChanging: 'ordinary',
  PasswordsWaiting: 'ordinary',
  PasswordsChanging: 'ordinary',
  PasswordsClosing: 'ordinary',
  MeshPending: 'ordinary',
  Hibernating: 'ordinary',
  Waking: 'ordinary',
  Restoring: 'ordinary',
  Pending: 'ordinary',
  EngineNotReady: 'ordinary',
  Running: 'ordinary',
  Cancelled: 'ordinary',
  WaitingForTurn: 'ordinary',
  RevisionPinned: 'ordinary',

  EngineUnreachable: 'trouble',
  LogUnreachable: 'trouble',
  ApplyFailed: 'trouble',
  MigrationFailed: 'trouble',
  Crashing: 'trouble',
  Unschedulable: 'trouble',
  VolumePending: 'trouble',
  LagNearRetention: 'trouble',
  LogFull: 'trouble',
  DiskFull: 'trouble',
  MaintenanceLate: 'trouble',
  PartitionsRunOut: 'trouble',
  SchemaVersionUnknown: 'trouble',
  SeveralDefaults: 'trouble',
  LogNotStored: 'trouble',
  NotArchiving: 'trouble',
  StoreUnreachable: 'trouble',
  StoreBehind: 'trouble',
  BackupLate: 'trouble',
  StuckAtGateway: 'trouble',
  StuckAtKafka: 'trouble',
  StuckAtWriter: 'trouble',
  StuckAtPostgres: 'trouble',
  StuckAtReader: 'trouble',
  SlowerThanSlo: 'trouble',
  CertificatesExpired: 'trouble',
  CertificatesRefused: 'trouble',
  RenewalFails: 'trouble',
  NotInMesh: 'trouble',
  ScalerNotReady: 'trouble',
  Contested: 'trouble',

  Failed: 'user',
  ClassMissing: 'user',
  ClassesNotSeen: 'user',
  CannotChange: 'user',
  ProviderChanged: 'user',
  RecordRefused: 'user',
  NotOwned: 'user',
  StorageNotExpandable: 'user',
  Connections: 'user',
  LogGap: 'user',
  LogHole: 'user',
  LogUnreadable: 'user',
  LogTruncated: 'user',
  LogReplaced: 'user',
  TooManyHeldKeys: 'user',
  InvalidObject: 'user',
  ImageMissing: 'user',
  ContainerNotStarted: 'user',
  OutOfMemory: 'user',
  QuotaExceeded: 'user',
  PodSecurityDenied: 'user',
  PodsRefused: 'user',
  AutoscalersInConflict: 'user',
  MetricsMissing: 'user',
  SecretMissing: 'user',
  VolumeLost: 'user',
  VolumeMismatch: 'user',
  RetainedDataDiffers: 'user',
  EngineUnfit: 'user',
  LoginRefused: 'user',
  RightsMissing: 'user',
  NameTaken: 'user',
  LogUnfit: 'user',
  LogLoginRefused: 'user',
  LogRightsMissing: 'user',
  TopicExists: 'user',
  TopicMissing: 'user',
  BackupElsewhere: 'user',
  StoreRefused: 'user',
  StoreForeign: 'user',
  EngineStalled: 'user',
  KindMissing: 'user',
  KindRefused: 'user',
  ConsumersElsewhere: 'user',
  PasswordsElsewhere: 'user',
} as const
export type Reason = keyof typeof reasons

/** Whose pods a reason is about, as `Ready`, `Stalled` and `Reconciling` spell it before the reason: `KafkaBrokerUnschedulable`. */
export const podSubjects = {
  gateway: 'Gateway',
  writer: 'Writer',
  reader: 'Reader',
  kafka: 'KafkaBroker',
  postgres: 'Postgres',
  redis: 'Redis',
  migrate: 'Migration',
} as const
export type PodSubject = keyof typeof podSubjects

/** Reasons that pods have. */
export const podReasons = [
  'Unschedulable',
  'VolumePending',
  'ImageMissing',
  'ContainerNotStarted',
  'OutOfMemory',
  'Crashing',
  'QuotaExceeded',
  'PodSecurityDenied',
  'PodsRefused',
  'SecretMissing',
] as const satisfies readonly Reason[]
export type PodReason = (typeof podReasons)[number]

/** Why all of it has its value: the reason of the part that is the cause, with whose pods they are. */
export type RootReason = Reason | `${(typeof podSubjects)[PodSubject]}${PodReason}`

/** What kind of a value a reason is. */
export function kindOf(reason: RootReason): (typeof reasons)[Reason] {
  const plain = podReasons.find(each => reason.endsWith(each)) ?? reason
  return isReason(plain) ? reasons[plain] : 'trouble'
}

const isReason = (word: string): word is Reason => Object.hasOwn(reasons, word)
