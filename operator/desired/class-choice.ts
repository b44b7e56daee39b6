/** Which class a DataService has. Pure. The answer is kept in its status, so that a new default class moves nobody. */
import { builtInClass } from '#crds/v1alpha1/built-in.ts'
import { type DataServiceClass, type DataServiceClassSpec, defaultAnnotation } from '#crds/v1alpha1/class.ts'
import type { DataService } from '#crds/v1alpha1/resource.ts'

export type ClassChoice =
  | { kind: 'builtIn' }
  /** `rivals`: the other default classes, where this one was taken for being the default. */
  | { kind: 'class'; name: string; spec: DataServiceClassSpec; rivals: readonly string[] }
  /** `named`: by the spec; otherwise it is the one that the status remembers. */
  | { kind: 'missing'; name: string; named: boolean }
  /** The operator has rights in one namespace only, and classes stand in none. */
  | { kind: 'unseen'; name: string }

/** `classes`: all of the cluster; undefined where the operator may not see them. */
export function chooseClass(
  owner: DataService,
  classes: readonly DataServiceClass[] | undefined,
): ClassChoice {
  const defaults = (classes ?? []).filter(isDefault).toSorted(oldestFirst)
  const name = classNameOf(owner) ?? defaults[0]?.metadata.name ?? builtInClass
  if (name === builtInClass) return { kind: 'builtIn' }
  if (classes === undefined) return { kind: 'unseen', name }
  const found = classes.find(({ metadata }) => metadata.name === name)
  const named = owner.spec.className !== undefined
  if (found === undefined) return { kind: 'missing', name, named }
  const others = defaults.filter(each => each !== found).map(({ metadata }) => metadata.name)
  return { kind: 'class', name, spec: found.spec, rivals: !named && isDefault(found) ? others : [] }
}

/**
 * The class that a DataService names or got; undefined when it has none yet. One whose status knows nothing of classes
 * was made before there were any, and has the built-in one.
 */
export function classNameOf({ spec, status }: Pick<DataService, 'spec' | 'status'>): string | undefined {
  const isOlder = status?.conditions?.every(({ type }) => type !== 'ClassReady') === true
  return spec.className ?? status?.className ?? (isOlder ? builtInClass : undefined)
}

export const isDefault = ({ metadata }: Pick<DataServiceClass, 'metadata'>): boolean =>
  metadata.annotations?.[defaultAnnotation] === 'true'

export const chosenName = (choice: ClassChoice): string =>
  choice.kind === 'builtIn' ? builtInClass : choice.name

export const isThere = ({ kind }: ClassChoice): boolean => kind === 'builtIn' || kind === 'class'

/** A second default moves nobody: the first one stays the default until its mark goes. */
function oldestFirst({ metadata: left }: DataServiceClass, { metadata: right }: DataServiceClass): number {
  const [one, other] = [left, right].map(each => `${each.creationTimestamp ?? ''} ${each.name}`)
  return (one ?? '') < (other ?? '') ? -1 : 1
}
