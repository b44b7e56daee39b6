/** What becomes of each part that keeps data when the DataService is deleted. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { DeletionPolicy } from '#crds/v1alpha1/scalars.ts'
import { type DataPart, dataParts } from './names.ts'

type Spec = Pick<DataService['spec'], 'deletionPolicy' | 'kafka' | 'postgres' | 'backup'>

/** A part says it for itself, or it is that of the whole. */
export const deletionPolicyOf = (spec: Spec, part: DataPart | 'backup'): DeletionPolicy =>
  spec[part]?.deletionPolicy ?? spec.deletionPolicy

/** The engines whose data goes with the DataService. */
export const leavingParts = (spec: Spec): DataPart[] =>
  dataParts.filter(part => deletionPolicyOf(spec, part) === 'Delete')

/** Nothing stays, so that what opens the data may go, too. */
export const everythingGoes = (spec: Spec): boolean =>
  leavingParts(spec).length === dataParts.length &&
  (spec.backup === undefined || deletionPolicyOf(spec, 'backup') === 'Delete')
