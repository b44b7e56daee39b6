/** What differs between Kafka, Postgres and Redis when they run as StatefulSets of ours. */
import type { V1Container, V1EnvVar, V1Probe } from '@kubernetes/client-node'
import type { Target } from '../target.ts'

export interface Engine {
  /** Numeric user of the image. */
  user: number
  /** Files of the ConfigMap; mounted at `configPath`. `start.sh` is the program that runs. */
  files: (target: Target) => Record<string, string>
  ports: V1Container['ports']
  env: (owner: string) => V1EnvVar[]
  /** Keys of the credentials Secret that the engine's pod may read; mounted at `secretPath`. */
  secretKeys: readonly string[]
  readiness: V1Probe
  /** Folders that must be writable; the root file system is not. */
  scratch: readonly string[]
  /** Where the volume is mounted; absent: the engine keeps nothing. */
  dataPath?: string
  /** Time the engine gets to close cleanly, in seconds. */
  graceSeconds: number
}

/** Where the engine's files lie in its pod. */
export const configPath = '/etc/dataservice/engine'
export const secretPath = '/etc/dataservice/credentials'
