/** The permissions of the operator, derived from the table of children: nothing more than it uses. */
import { resources } from '#operator/cluster/resources.ts'
import { type ChildRow, children } from '#operator/desired/children.ts'

export interface PolicyRule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
}

/** What each way of writing needs. A kind that is created only is never changed; Secrets are never listed. */
const verbsOf = ({ kind, write }: ChildRow): string[] => {
  if (kind === 'Secret') return ['create', 'delete', 'get']
  return write === 'apply'
    ? ['create', 'delete', 'get', 'list', 'patch', 'watch']
    : ['create', 'delete', 'get', 'list', 'watch']
}

/** Beside the children: the resource itself, the numbers of pods, and the size of volumes. */
const fixed: readonly PolicyRule[] = [
  { apiGroups: ['dataservice.dev'], resources: ['dataservices'], verbs: ['list', 'watch'] },
  { apiGroups: ['dataservice.dev'], resources: ['dataservices/status'], verbs: ['patch'] },
  // Owner references that block deletion need it where the admission plugin for them is on (OpenShift).
  { apiGroups: ['dataservice.dev'], resources: ['dataservices/finalizers'], verbs: ['update'] },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['patch'] },
  // Volumes grow in place.
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'patch'] },
]

/** The ClusterRole of the operator, as `config/rbac/role.yaml` holds it. */
export function operatorRole(): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'dataservice-operator', labels: { 'app.kubernetes.io/name': 'dataservice-operator' } },
    rules: operatorRules(),
  }
}

export function operatorRules(): PolicyRule[] {
  const verbs = new Map<string, Set<string>>()
  for (const row of children) {
    const known = verbs.get(row.kind) ?? new Set()
    for (const verb of verbsOf(row)) known.add(verb)
    verbs.set(row.kind, known)
  }
  const derived = [...new Set(children.map(({ kind }) => kind))].map(kind => ({
    apiGroups: [groupOf(resources[kind].apiVersion)],
    resources: [resources[kind].plural],
    verbs: [...(verbs.get(kind) ?? [])].sort(),
  }))
  return [...fixed, ...derived]
}

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
