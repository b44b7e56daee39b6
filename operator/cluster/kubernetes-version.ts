/** Which Kubernetes this is, asked once when the operator begins. One that is too old would refuse what we send, or drop it. */
import { setTimeout as pause } from 'node:timers/promises'
import { isRecord } from './answer.ts'
import { type BackoffLimits, backoffMs } from './backoff.ts'
import { isClusterError } from './errors.ts'
import type { Log } from './log.ts'
import type { Transport } from './transport.ts'

export interface KubernetesVersion {
  major: number
  minor: number
}

/**
 * Our CRDs ask `isCIDR`, which CEL has since 1.30 and an API server accepts in new rules one version later, so that it
 * can go back (apiserver `pkg/cel/environment/base.go`: IntroducedVersion, DefaultCompatibilityVersion). Fields of pods
 * are older: matchLabelKeys of topologySpreadConstraints, persistentVolumeClaimRetentionPolicy and
 * unhealthyPodEvictionPolicy are on by default since 1.27 (kubernetes `pkg/features/kube_features.go`).
 */
export const oldestKubernetes: KubernetesVersion = { major: 1, minor: 31 }

/** Vendors write '30+' and 'v1.30.2-gke.1'. Undefined where it cannot be read. */
export function versionIn(body: unknown): KubernetesVersion | undefined {
  if (!isRecord(body)) return undefined
  const [major, minor] = [leadingNumber(body.major), leadingNumber(body.minor)]
  if (major !== undefined && minor !== undefined) return { major, minor }
  const found = /^v?(\d+)\.(\d+)/.exec(String(body.gitVersion))
  return found ? { major: Number(found[1]), minor: Number(found[2]) } : undefined
}

function leadingNumber(value: unknown): number | undefined {
  const digits = /^\d+/.exec(String(value))
  return digits ? Number(digits[0]) : undefined
}

/** What is wrong with this version and what to do; undefined for one that we work with. */
export function refusalOf({ major, minor }: KubernetesVersion): string | undefined {
  const { major: leastMajor, minor: leastMinor } = oldestKubernetes
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined
  return `this is Kubernetes ${major}.${minor}, and the operator needs ${leastMajor}.${leastMinor} or newer: update the control plane of the cluster`
}

interface Asking {
  transport: Pick<Transport, 'send'>
  log: Log
  /** Ends the waiting. */
  signal: AbortSignal
  limits?: BackoffLimits
}

/**
 * Resolves when this Kubernetes is new enough, when nobody can say which it is, or when `signal` ends it; rejects with
 * the remedy when it is too old. An API server that is away is asked again until it answers.
 */
export async function checkKubernetes(asking: Asking): Promise<void> {
  const { log } = asking
  const body = await answered(asking)
  if (asking.signal.aborted) return
  const version = versionIn(body)
  if (version === undefined) {
    log.warn(
      { answer: body },
      'which Kubernetes this is cannot be read: it is taken for one that is new enough',
    )
    return
  }
  const refusal = refusalOf(version)
  if (refusal !== undefined) throw new Error(refusal)
}

/** Undefined where the API server says that it will not tell. */
async function answered(asking: Asking): Promise<unknown> {
  const { transport, log, signal, limits = { baseMs: 500, maxMs: 8_000 } } = asking
  for (let failures = 1; !signal.aborted; failures += 1) {
    try {
      return await transport.send({ method: 'GET', path: '/version', signal })
    } catch (error) {
      if (signal.aborted) break
      if (isClusterError(error, 'Forbidden', 'NotFound', 'Protocol')) return undefined
      log.warn({ err: error }, 'the API server does not say which Kubernetes this is; it is asked again')
      await pause(backoffMs(failures, limits, Math.random), undefined, { signal }).catch(() => {})
    }
  }
  return undefined
}
