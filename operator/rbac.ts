/** The permissions of the operator, derived from the table of children: nothing more than it uses. */
import { type Kind, resources } from '#operator/cluster/resources.ts'
import { type ChildRow, children } from '#operator/desired/children.ts'
import { classKind, watchedBeside } from '#operator/desired/watched-beside.ts'

export interface PolicyRule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
}

/**
 * What each kind needs. Of one that is created only the labels are put back, nothing else. Secrets are never listed; of
 * those that are immutable only the metadata are patched (owner and marks), certificates are replaced in place, and an
 * authority that nobody trusts any more and passwords that open nothing are deleted (the others are taken by garbage
 * collection).
 */
const verbsOf = ({ kind }: ChildRow): string[] => {
  if (kind === 'Secret') return ['create', 'delete', 'get', 'patch']
  return ['create', 'delete', 'get', 'list', 'patch', 'watch']
}

/** Beside the children: the resource itself, the numbers of pods, and the size of volumes. */
const fixed: readonly PolicyRule[] = [
  // Read before anything is removed: a copy that lags behind must not decide on that.
  // Patched for a finalizer, where something at engines of others goes with it.
  { apiGroups: ['dataservice.dev'], resources: ['dataservices'], verbs: ['get', 'list', 'patch', 'watch'] },
  { apiGroups: ['dataservice.dev'], resources: ['dataservices/status'], verbs: ['patch'] },
  // They say what is done once; the oldest that ended are removed.
  {
    apiGroups: ['dataservice.dev'],
    resources: ['dataserviceoperations'],
    verbs: ['delete', 'get', 'list', 'watch'],
  },
  { apiGroups: ['dataservice.dev'], resources: ['dataserviceoperations/status'], verbs: ['patch'] },
  // Owner references that block deletion need it where the admission plugin for them is on (OpenShift).
  { apiGroups: ['dataservice.dev'], resources: ['dataservices/finalizers'], verbs: ['update'] },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['patch'] },
  // Brokers are restarted one by one, and replicas of Postgres are told by a label.
  { apiGroups: [''], resources: ['pods'], verbs: ['delete', 'patch'] },
  // Written when a condition changes. Listed, because why a StatefulSet or a Job makes no pods stands in events only.
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'list'] },
  // Volumes grow in place.
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'patch'] },
]

/** Beyond any namespace. Without it every DataService has the built-in class. */
const clusterWide: readonly PolicyRule[] = [
  {
    apiGroups: [groupOf(resources[classKind].apiVersion)],
    resources: [resources[classKind].plural],
    verbs: ['list', 'watch'],
  },
]

const labels = { 'app.kubernetes.io/name': 'dataservice-operator' }

/** The ClusterRole of the operator, as `config/rbac/role.yaml` holds it. */
export function operatorRole(): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'dataservice-operator', labels },
    rules: [...operatorRules(), ...clusterWide],
  }
}

/** What is granted in one namespace, as `config/namespaced/role.yaml` holds it. */
export function namespacedOperatorRole(): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'dataservice-operator', namespace: 'dataservice-system', labels },
    rules: operatorRules(),
  }
}

export function operatorRules(): PolicyRule[] {
  const verbs = new Map<Kind, Set<string>>()
  const grant = (kind: Kind, granted: readonly string[]): void => {
    verbs.set(kind, new Set([...(verbs.get(kind) ?? []), ...granted]))
  }
  for (const row of children) grant(row.kind, verbsOf(row))
  for (const { kind } of watchedBeside) grant(kind, ['list', 'watch'])
  const derived = [...verbs.keys()].map(kind => ({
    apiGroups: [groupOf(resources[kind].apiVersion)],
    resources: [resources[kind].plural],
    verbs: [...(verbs.get(kind) ?? [])].sort(),
  }))
  return [...fixed, ...derived]
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
}
