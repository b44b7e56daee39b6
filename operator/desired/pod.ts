/** Pieces of a pod that every part shares. All pods pass the `restricted` Pod Security level. */
import type { V1Container, V1KeyToPath, V1PodSpec, V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import {
  credentialFiles,
  credentialKeys,
  mounts,
  nodeFlags,
  ports,
  probePaths,
  turnVariable,
} from '#dataservice/contract/names.ts'
import { annotationKeys, childLabels, selectorLabels } from './labels.ts'
import { credentialsName, type Part, partName, settingsName } from './names.ts'
import type { PodOverrides } from './pod-wishes.ts'
import { loginKeys, passwordsOf, turnedKeys } from './secrets.ts'
import { gatewaySettingsKey } from './settings-config-map.ts'
import type { Target } from './target.ts'

export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> }
  spec: V1PodSpec
}

export interface PodInputs {
  owner: DataService
  component:
    | Part
    | 'jobs'
    | 'migrate'
    | 'maintain'
    | 'remove'
    | 'retire'
    | 'backup'
    | 'backup-s3'
    | 'backup-job'
    | 'restore'
  serviceAccount: string
  overrides: PodOverrides
  /** A change rolls the pods. */
  configHash: string
  /** Numeric user and group of the image. */
  user: number
  /** Pods of a Deployment, whose versions are told apart by a label. */
  isDeployed?: boolean
  spec: V1PodSpec
}

/** Adds to a pod spec what all pods have: identity, restricted security, spreading and the user's overrides. */
export function podTemplate(inputs: PodInputs): PodTemplate {
  const { owner, component, overrides, user } = inputs
  const selector = selectorLabels(owner.metadata.name, component)
  const restartedAt = owner.metadata.annotations?.[annotationKeys.restartedAt]
  return {
    metadata: {
      labels: { ...overrides.labels, ...childLabels(owner.metadata.name, component) },
      annotations: {
        ...overrides.annotations,
        [annotationKeys.configHash]: inputs.configHash,
        ...(restartedAt === undefined ? {} : { [annotationKeys.restartedAt]: restartedAt }),
      },
    },
    spec: {
      serviceAccountName: inputs.serviceAccount,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: user,
        runAsGroup: user,
        fsGroup: user,
        // Without it the second start opens the mode of Postgres' data folder, and Postgres refuses to start.
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      topologySpreadConstraints: spread(selector, inputs.isDeployed ?? false),
      ...placement(overrides),
      ...inputs.spec,
    },
  }
}

/**
 * Over zones, then over nodes. Never a must: a pod whose volume is bound to a node has to come back there, and a cluster
 * of one node has to do. Nodes that a pod may not use do not count, and neither do pods of a version on its way out.
 */
const spread = (selector: Record<string, string>, isDeployed: boolean) =>
  ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map(topologyKey => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    nodeTaintsPolicy: 'Honor',
    labelSelector: { matchLabels: selector },
    ...(isDeployed && { matchLabelKeys: ['pod-template-hash'] }),
  }))

function placement(overrides: PodOverrides): Partial<V1PodSpec> {
  const { imagePullSecrets = [], nodeSelector = {}, tolerations = [], priorityClassName } = overrides
  return {
    ...(imagePullSecrets.length > 0 ? { imagePullSecrets } : {}),
    ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
    ...(tolerations.length > 0 ? { tolerations } : {}),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
  }
}

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

/** Which secrets a process of ours holds. */
const credentialsOf = {
  gateway: [{ key: credentialKeys.cursor, path: credentialFiles.cursorKey }],
  writer: [{ key: credentialKeys.writer, path: credentialFiles.postgresPassword }],
  reader: [
    { key: credentialKeys.reader, path: credentialFiles.postgresPassword },
    { key: credentialKeys.cursor, path: credentialFiles.cursorKey },
  ],
  migrate: [{ key: credentialKeys.owner, path: credentialFiles.postgresPassword }],
  maintain: [{ key: credentialKeys.owner, path: credentialFiles.postgresPassword }],
  remove: [{ key: credentialKeys.owner, path: credentialFiles.postgresPassword }],
  retire: [{ key: credentialKeys.owner, path: credentialFiles.postgresPassword }],
} as const

/** Of those who use a Redis of ours. */
export const redisCredential = { key: credentialKeys.redis, path: credentialFiles.redisPassword }

export type Program = keyof typeof credentialsOf

/** User of the product's own image (its Dockerfile says the same). */
export const productUser = 65532

/** The container of one of our own programs. */
export function programContainer(
  program: Program,
  { effective, passwords }: Pick<Target, 'effective' | 'passwords'>,
): V1Container {
  const resources = effective.resources[isJob(program) ? 'jobs' : program]
  return {
    name: program,
    image: effective.images.dataservice,
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePolicy: 'FallbackToLogsOnError', // the condition tells what it said last
    args: [...nodeFlags(program), '/app/dataservice.mjs', program],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ...(logsIn(program) ? ofTurn(passwords.turn) : []),
    ],
    resources: { requests: { ...resources.requests }, limits: { ...resources.limits } },
    securityContext: containerSecurity,
    volumeMounts: [...volumeMounts],
  }
}

const jobPrograms = ['migrate', 'maintain', 'remove', 'retire'] as const
export type JobProgram = (typeof jobPrograms)[number]
const isJob = (program: Program): program is JobProgram => jobPrograms.some(job => job === program)

const isTurned = ({ key }: V1KeyToPath): boolean => Object.values<string>(turnedKeys).includes(key)
const logsIn = (program: Program): boolean =>
  credentialsOf[program].some(({ key }) => Object.values<string>(loginKeys).includes(key))

/** Of the first one nothing is said. */
const ofTurn = (turn: number) => (turn === 1 ? [] : [{ name: turnVariable, value: String(turn) }])

const volumeMounts: V1VolumeMount[] = [
  { name: 'settings', mountPath: folderOf(mounts.settings.path), readOnly: true },
  { name: 'credentials', mountPath: mounts.credentials.path, readOnly: true },
]

/** The volumes that `programContainer` mounts; `more` of the credentials than every pod of that program has. */
export function programVolumes(
  program: Program,
  { owner, passwords }: Pick<Target, 'owner' | 'passwords'>,
  more: readonly V1KeyToPath[] = [],
): V1Volume[] {
  const { name } = owner.metadata
  const settings: V1Volume = {
    name: 'settings',
    configMap: {
      name: settingsName(name),
      ...(program === 'gateway' && {
        items: [{ key: gatewaySettingsKey, path: fileOf(mounts.settings.path) }],
      }),
    },
  }
  const items = [...credentialsOf[program], ...more].map(item => ({ ...item }))
  return [settings, { name: 'credentials', ...credentialsVolume(name, passwords.turn, items) }]
}

/** Entries of `NAME-credentials`; passwords come from the Secret of their turn. */
export function credentialsVolume(
  owner: string,
  turn: number,
  items: readonly V1KeyToPath[],
): Pick<V1Volume, 'secret' | 'projected'> {
  const turned = items.filter(isTurned)
  const others = items.filter(item => !isTurned(item))
  const [first, turns] = [credentialsName(owner), passwordsOf(owner, turn)]
  if (turn === 1 || turned.length === 0)
    return { secret: { secretName: first, items: [...items], defaultMode: 0o440 } }
  if (others.length === 0) return { secret: { secretName: turns, items: turned, defaultMode: 0o440 } }
  const sources = [{ secret: { name: first, items: others } }, { secret: { name: turns, items: turned } }]
  return { projected: { sources, defaultMode: 0o440 } }
}

/** Ports and probes of a program that serves telemetry. */
export function probes(): Pick<V1Container, 'livenessProbe' | 'readinessProbe' | 'startupProbe'> {
  const get = (path: string) => ({ httpGet: { path, port: 'telemetry' } })
  return {
    // Five minutes: on a node that is short of everything, a kill for being late makes the next start later still.
    startupProbe: { ...get(probePaths.live), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 300 },
    livenessProbe: { ...get(probePaths.live), periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 },
    readinessProbe: { ...get(probePaths.ready), periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
  }
}

export const telemetryPort = { name: 'telemetry', containerPort: ports.telemetry, protocol: 'TCP' }

export const serviceAccountOf = (owner: string, component: Part | 'jobs'): string =>
  partName(owner, component)

function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
