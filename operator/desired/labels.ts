/** Labels, annotations and owner references: what marks an object as ours. */
import { annotations, type DataService } from '#crds/v1alpha1/resource.ts'

export const managedBy = 'dataservice-operator'

export const labelKeys = {
  name: 'app.kubernetes.io/name',
  instance: 'app.kubernetes.io/instance',
  component: 'app.kubernetes.io/component',
  managedBy: 'app.kubernetes.io/managed-by',
  partOf: 'app.kubernetes.io/part-of',
  /** `primary` or `replica`, on a pod of Postgres. */
  role: 'dataservice.dev/role',
} as const

export const annotationKeys = {
  /** Hash of the object as the operator last wanted it. */
  desired: 'dataservice.dev/desired',
  /** `namespace/name` of the DataService whose data outlives it. */
  retained: 'dataservice.dev/retained',
  /** On the identity Secret: the parts whose volumes hold data, so that an empty one is a loss. */
  initialised: 'dataservice.dev/initialised',
  /** On the identity Secret: how many brokers' volumes hold data. */
  heldBrokers: 'dataservice.dev/held-brokers',
  /** On the identity Secret: which pod of Postgres is the primary, by its ordinal; absent: the first one. */
  primary: 'dataservice.dev/postgres-primary',
  /** On the identity Secret: the parts for which the user's `reinitialise` was used. */
  reinitialised: 'dataservice.dev/reinitialised',
  /** On the identity Secret: `UID PARTS`, the parts whose data goes with the DataService of that uid. */
  leavesWith: 'dataservice.dev/leaves-with',
  /** On the identity Secret: how often a log or a database took the place of one that is gone. */
  beginnings: 'dataservice.dev/beginnings',
  /** On a DataService: the part whose lost volume may be initialised anew. */
  reinitialise: annotations.reinitialise,
  /** On a pod template: a change rolls the pods. */
  configHash: 'dataservice.dev/config-hash',
  restartedAt: 'dataservice.dev/restartedAt',
  paused: 'dataservice.dev/paused',
  plan: annotations.plan,
  /** On a DataService: another value asks for another authority. */
  rotateAuthority: annotations.rotateAuthority,
  /** On the Secret with the certificates: the value of that annotation that was obeyed last. */
  rotated: 'dataservice.dev/rotated',
  /** On a DataService: another value asks for other passwords. */
  rotatePasswords: annotations.rotatePasswords,
  /** On the identity Secret: the newest turn of passwords; absent: the first. */
  passwordTurn: 'dataservice.dev/password-turn',
  /** On the identity Secret: the newest turn beside which no other opens anything; absent: the first. */
  passwordsDone: 'dataservice.dev/passwords-done',
  /** On the identity Secret: the value of `rotatePasswords` that the newest turn obeys. */
  passwordsRotated: 'dataservice.dev/passwords-rotated',
  /** On the Secret with the certificates: how often they were made. On brokers that restart for them: for which ones. */
  issue: 'dataservice.dev/issue',
} as const

/** What every child carries. */
export interface ChildMetadata {
  name: string
  namespace: string
  labels: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller: true
  blockOwnerDeletion: true
}

/** A Kubernetes object as a builder makes it: plain JSON that goes to the API server unchanged. */
export type Child<Shape = object> = Omit<Shape, 'apiVersion' | 'kind' | 'metadata'> & {
  apiVersion: string
  kind: string
  metadata: ChildMetadata
}

/** The fewest labels that pick a component's pods. They never change: selectors are immutable. */
export function selectorLabels(owner: string, component: string): Record<string, string> {
  return {
    [labelKeys.name]: 'dataservice',
    [labelKeys.instance]: owner,
    [labelKeys.component]: component,
  }
}

export function childLabels(owner: string, component: string): Record<string, string> {
  return {
    ...selectorLabels(owner, component),
    [labelKeys.managedBy]: managedBy,
    [labelKeys.partOf]: 'dataservice',
  }
}

/** `a=b,c=d`: the form that `status.selector` and LIST take. */
export function selectorText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',')
}

/** Metadata of a child that goes when its DataService goes. */
export function ownedMetadata(owner: DataService, name: string, component: string): ChildMetadata {
  return {
    name,
    namespace: owner.metadata.namespace,
    labels: childLabels(owner.metadata.name, component),
    ownerReferences: [ownerReference(owner)],
  }
}

/** Metadata of a child that outlives its DataService and opens the retained data to the next one of that name. */
export function retainedMetadata(owner: DataService, name: string, component: string): ChildMetadata {
  const { namespace, name: ownerName } = owner.metadata
  const labels = childLabels(ownerName, component)
  return { name, namespace, labels, annotations: retainedAnnotations(owner) }
}

/** What says whose data it is; Argo CD leaves it alone when it prunes. */
export function retainedAnnotations({ metadata }: DataService): Record<string, string> {
  return {
    [annotationKeys.retained]: `${metadata.namespace}/${metadata.name}`,
    'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
  }
}

export function ownerReference(owner: DataService): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** Metadata as observed, as far as ownership is decided by it. */
export interface ObservedOwnership {
  annotations?: Record<string, string> | undefined
  ownerReferences?: readonly { uid: string; controller?: boolean | undefined }[] | undefined
}

/** Ours = the DataService with this UID is the controller, or the object was retained for one of this name. */
export function isOurs(owner: DataService, observed: ObservedOwnership): boolean {
  const controlled = (observed.ownerReferences ?? []).some(
    reference => reference.controller === true && reference.uid === owner.metadata.uid,
  )
  const retained = observed.annotations?.[annotationKeys.retained]
  return controlled || retained === `${owner.metadata.namespace}/${owner.metadata.name}`
}
