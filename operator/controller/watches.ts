/** Which changes concern which DataService: watched objects in, keys out. */
import type { DataServiceClass } from '#crds/v1alpha1/class.ts'
import type { Operation } from '#crds/v1alpha1/operation.ts'
import type { Change, KubernetesObject, ObjectStore, Scope, WatchPort } from '#operator/cluster/port.ts'
import { type Kind, resources } from '#operator/cluster/resources.ts'
import {
  type Autoscaler,
  autoscalerKind,
  sameButFigures,
  scaledObjectKind,
  scaleTarget,
} from '#operator/desired/autoscalers.ts'
import { keepingOf, keepingOperations, keepingOwners } from '#operator/desired/keeping.ts'
import { annotationKeys, labelKeys, managedBy } from '#operator/desired/labels.ts'
import { classKind, operationKind, watchedBeside } from '#operator/desired/watched-beside.ts'
import { demandedWatches } from './demanded-watches.ts'
import { type Key, keyText, parseKey } from './key.ts'

const ownerKind = 'DataService'
const ownerGroup = resources.DataService.apiVersion.split('/')[0]
/** Kinds that others make for us, such as pods: their controller is no DataService, so their label tells. */
const toldByLabel = new Set<string>(watchedBeside.map(({ kind }) => kind))
const managedByLabel = { [labelKeys.managedBy]: managedBy }

/**
 * The DataService an object belongs to: itself, its controller, the one its data is kept for, or for what is watched
 * beside the children the one that its label names. Undefined for
 * everything else; an object never speaks for a DataService of another namespace.
 */
export function ownerKey({ kind, metadata }: KubernetesObject): Key | undefined {
  const { namespace, name, ownerReferences = [], annotations = {}, labels = {} } = metadata
  if (namespace === undefined) return undefined
  if (kind === ownerKind) return { namespace, name }
  const controller = ownerReferences.find(each => each.controller === true)
  if (controller?.kind === ownerKind && controller.apiVersion.split('/')[0] === ownerGroup) {
    return { namespace, name: controller.name }
  }
  const retained = parseKey(annotations[annotationKeys.retained] ?? '')
  if (retained?.namespace === namespace) return retained
  const instance =
    toldByLabel.has(kind) && labels[labelKeys.managedBy] === managedBy
      ? labels[labelKeys.instance]
      : undefined
  return instance === undefined ? undefined : { namespace, name: instance }
}

export interface WatchesOptions<Owner extends KubernetesObject> {
  cluster: WatchPort
  /** Kinds of children, from the table of children. Secrets are refused. */
  kinds: readonly Kind[]
  /** Kinds of which all objects are watched, not only those with our label: others' objects matter too. */
  unfiltered?: readonly Kind[]
  /** Kinds of children that are watched from the moment on when somebody asks for their copy. */
  onDemand?: readonly Kind[]
  /** Only this namespace; absent: all of them. */
  namespace?: string
  /** Whom a change of a class concerns. Absent: classes are not watched, which takes rights beyond any namespace. */
  usersOfClass?: (change: Change<DataServiceClass>, owners: readonly Owner[]) => readonly Owner[]
}

export interface Watches<Owner extends KubernetesObject, Child extends KubernetesObject> {
  readonly owners: ObjectStore<Owner>
  /** All classes of the cluster; absent: not watched. */
  readonly classes?: ObjectStore<DataServiceClass>
  readonly operations: ObjectStore<Operation>
  /** The copy of a watched kind; throws for a kind that is not watched. */
  stores(kind: Kind): ObjectStore<Child>
  /**
   * The copy of a kind that is watched on demand; begins its watch. `asker` is told when it changes whether the kind is
   * served, and decides nothing while it is unread.
   */
  onDemand(kind: Kind, asker: Key): ObjectStore<Child>
  /** Resolves when every copy is complete, but for those on demand. No decision may be made before: a missing child could just be unread. */
  readonly synced: Promise<void>
  /** Of every DataService, also of those that an operation is for and that are not there; some may come twice. */
  keys(): Key[]
  /** Calls back for each change of a DataService or of what belongs to one; answers the function that ends it. */
  onKey(listener: (key: Key) => void): () => void
  stop(): Promise<void>
}

/** Starts one watch for each kind at once, but for those on demand. */
export function startWatches<Owner extends KubernetesObject, Child extends KubernetesObject>(
  options: WatchesOptions<Owner>,
): Watches<Owner, Child> {
  const { cluster, kinds, unfiltered = [], namespace, usersOfClass } = options
  const everywhere: Scope = namespace === undefined ? {} : { namespace }
  const owners = cluster.watch<Owner>(ownerKind, everywhere, keepingOwners)
  const classes = usersOfClass && cluster.watch<DataServiceClass>(classKind, {}, { mayBeUnserved: true })
  const operations = cluster.watch<Operation>(operationKind, everywhere, keepingOperations)
  const watchOf = (kind: Kind) => {
    const scope = unfiltered.includes(kind) ? everywhere : { ...everywhere, labels: managedByLabel }
    return cluster.watch<Child>(kind, scope, keepingOf(kind))
  }
  const children = new Map([...new Set([...kinds, ...unfiltered])].map(kind => [kind, watchOf(kind)]))
  const all = [owners, operations, ...(classes === undefined ? [] : [classes]), ...children.values()]
  const synced = Promise.all(all.map(store => store.synced)).then(() => {})
  synced.catch(() => {}) // whoever waits hears of it; nobody has to wait
  const listeners = new Set<(key: Key) => void>()
  const tell = (key: Key): void => {
    for (const listener of listeners) listener(key)
  }
  const tellChange = (change: Change): void => keysOf(change).forEach(tell)
  classes?.onChange(change => {
    for (const user of usersOfClass?.(change, owners.list()) ?? []) tell(nameOf(user))
  })
  operations.onChange(({ object }) => tell(concernedBy(object)))
  for (const store of [owners, ...children.values()]) store.onChange(tellChange)
  const demanded = demandedWatches({ kinds: options.onDemand ?? [], begin: watchOf, tell, tellChange })
  return {
    owners,
    ...(classes && { classes }),
    operations,
    synced,
    stores(kind) {
      const store = children.get(kind)
      if (store === undefined) throw new Error(`kind ${kind} is not watched`)
      return store
    },
    onDemand: demanded.ask,
    keys: () => [...owners.list().map(nameOf), ...operations.list().map(concernedBy)],
    onKey(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async stop() {
      await Promise.all([...all, ...demanded.begun()].map(store => store.stop()))
    },
  }
}

const nameOf = ({ metadata: { namespace = '', name } }: KubernetesObject): Key => ({ namespace, name })

const concernedBy = ({ metadata, spec }: Operation): Key => ({
  namespace: metadata.namespace,
  name: spec.dataService,
})

/** Also the owner it had before: that one lost a child. */
function keysOf(change: Change): Key[] {
  if (change.kind === 'updated' && isAutoscaler(change.object) && sameButFigures(change.object, change.old)) {
    return []
  }
  const objects = change.kind === 'updated' ? [change.object, change.old] : [change.object]
  const keys = objects.flatMap(object =>
    [ownerKey(object), scaledKey(object)].filter(key => key !== undefined),
  )
  return keys.filter((key, index) => keys.findIndex(other => keyText(other) === keyText(key)) === index)
}

/** The DataService whose pods an autoscaler moves, whoever made it. */
function scaledKey(object: KubernetesObject): Key | undefined {
  const target = isAutoscaler(object) ? scaleTarget(object) : undefined
  const { namespace } = object.metadata
  return target === undefined || namespace === undefined ? undefined : { namespace, name: target.service }
}

const isAutoscaler = (object: KubernetesObject): object is KubernetesObject & Autoscaler =>
  object.kind === autoscalerKind || object.kind === scaledObjectKind
