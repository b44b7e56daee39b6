/** What to do when a namespace refuses the pods of a part. Pure. */
import type { Reason } from '#crds/v1alpha1/conditions.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Refusals, refusalOf } from '#operator/reconcile/refusals.ts'
import { type PodFields, type PodOwner, podFields } from './pod-fields.ts'
import type { Problem } from './pods.ts'

interface RefusalRow {
  says: RegExp
  reason: Reason
  remedy: (namespace: string, fields: PodFields) => string
}

/** The first row that fits decides. */
const rows: readonly RefusalRow[] = [
  {
    // A ServiceAccount that was just made, or what an earlier DataService of this name still leaves behind.
    says: /serviceaccount "[^"]*" not found|\bbeing (deleted|terminated)/,
    reason: 'PodsNotReady',
    remedy: () => 'Kubernetes tries again by itself',
  },
  {
    says: /exceeded quota|failed quota/,
    reason: 'QuotaExceeded',
    remedy: (namespace, { resources }) =>
      `Raise the ResourceQuota of namespace ${namespace}` +
      (resources === undefined ? ': what these pods ask for is built in' : `, or lower ${resources}`),
  },
  {
    says: /violates PodSecurity/,
    reason: 'PodSecurityDenied',
    remedy: namespace =>
      'The pods fit the level restricted as they are sent: remove what changes them on the way, or the label ' +
      `pod-security.kubernetes.io/enforce of namespace ${namespace}`,
  },
  {
    says: /./,
    reason: 'PodsRefused',
    remedy: namespace =>
      `Change what refuses them in namespace ${namespace} (LimitRange, admission policy or webhook)`,
  },
]

export function refusedPods(
  refusals: Refusals,
  workload: ObservedChild,
  owner: PodOwner,
): Problem | undefined {
  const { kind, metadata } = workload
  const said = refusalOf(workload, refusals)
  const row = said === undefined ? undefined : rows.find(({ says }) => says.test(said))
  if (said === undefined || row === undefined) return undefined
  return {
    reason: row.reason,
    message: `${kind} ${metadata.name} may not make its pods: ${still(said)}. ${row.remedy(metadata.namespace, podFields[owner])}`,
  }
}

/** Each try has another pod name and other counts of what is used: only what stays is told. */
const still = (said: string): string =>
  said
    .replace(/^.*?(?=\b(pods|persistentvolumeclaims) ")/, '')
    .replace(/\b(pods|persistentvolumeclaims) "[^"]*" is/, '$1 are')
    .replace(/, used: .*?(?=, limited: )/, '')
    .replace(/\.$/, '')
