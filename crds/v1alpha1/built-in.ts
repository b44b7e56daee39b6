/**
 * What applies when neither a DataService nor its class says anything. The descriptions of the API print these values,
 * and the operator uses them, so that the two cannot differ.
 */

/** Each kind of pod that a user can set up. */
export type Part = 'gateway' | 'writer' | 'reader' | 'kafka' | 'postgres' | 'redis'

/**
 * Who says something: a DataService, or the class in its stead. A field that a class may decide stands at both, and has
 * a schema default at neither.
 */
export type Level = 'service' | 'class'

/** The end of the description of such a field. */
export const otherwise = (level: Level, builtIn: string | number): string =>
  level === 'service' ? `Default: from the class; built-in: ${builtIn}.` : `Default: ${builtIn}.`

export interface Amounts {
  cpu: string
  memory: string
}

const standard = { requests: { cpu: '250m', memory: '256Mi' }, limits: { cpu: '500m', memory: '512Mi' } }

export const builtInResources: Readonly<Record<Part, { requests: Amounts; limits: Amounts }>> = {
  gateway: standard,
  writer: standard,
  reader: standard,
  kafka: { requests: { cpu: '250m', memory: '768Mi' }, limits: { cpu: '1', memory: '1Gi' } },
  postgres: { requests: { cpu: '250m', memory: '512Mi' }, limits: { cpu: '1', memory: '1Gi' } },
  redis: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
}

/** Who runs an engine: the operator, another operator of the cluster, or somebody else. */
export const providers = ['managed', 'strimzi', 'cloudNativePG', 'external'] as const
export type Provider = (typeof providers)[number]

/** What protects the way between the parts of a data service. */
export const hopModes = ['Internal', 'CertManager', 'Mesh', 'Off'] as const
export type HopMode = (typeof hopModes)[number]
export const builtInSecurity: Readonly<{ tls: HopMode }> = { tls: 'Off' }

/** What stands for no class wherever the name of one may stand. */
export const builtInClass = 'built-in'

/** Pods and volumes of the engines. */
export const builtInEngines = {
  brokers: 1,
  instances: 1,
  delegatedInstances: 2,
  caches: 1,
  volumeSize: '10Gi',
} as const

/** Pods that a Postgres of ours may have. */
export const mostInstances = 5

/** How the table of records is cut when the spec does not say it. */
export const builtInPartitioning = { interval: 'Day', premake: 7, hashPartitions: 16 } as const

/** Who moves the number of writers with mode Lag, and what KEDA goes by. */
export const scalers = ['Operator', 'KEDA'] as const
export type Scaler = (typeof scalers)[number]
export const builtInScaling: Readonly<{ by: Scaler; lagThreshold: number }> = {
  by: 'Operator',
  lagThreshold: 100_000,
}

/** Pods that the operator starts once and then leaves to `kubectl scale deployment`. */
export const seededReplicas = { writer: 2, reader: 3 } as const
