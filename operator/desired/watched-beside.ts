/** What the operator watches beside its children: read to explain and to decide, never made by it. */
import type { Kind } from '#operator/cluster/resources.ts'

export interface BesideRow {
  kind: Kind
  /** `ours`: only objects with our label `managed-by`; the DataService is the one that the label `instance` names. */
  objects: 'ours' | 'all'
}

/** Watches and permissions follow from the rows, as they do from the table of children. */
export const watchedBeside = [
  // Why a part is not ready stands in its pods only.
  { kind: 'Pod', objects: 'ours' },
] as const satisfies readonly BesideRow[]

/** Watched too where the operator has rights beyond one namespace: classes stand in none. */
export const classKind = 'DataServiceClass' satisfies Kind

/** Of all DataServices of a namespace; the DataService is the one that it names. */
export const operationKind = 'DataServiceOperation' satisfies Kind

export const besideKinds = (objects: BesideRow['objects']): Kind[] =>
  watchedBeside.filter((row: BesideRow) => row.objects === objects).map(({ kind }) => kind)

export type BesideKind = (typeof watchedBeside)[number]['kind']
