/** Classes for tests. */
import { apiVersion, type DataServiceClass, type DataServiceClassSpec, kind } from '#crds/v1alpha1/class.ts'
import type { ClassChoice } from '#operator/desired/class-choice.ts'

export function dataServiceClass(
  name: string,
  spec: DataServiceClassSpec,
  metadata: Partial<DataServiceClass['metadata']> = {},
): DataServiceClass {
  return { apiVersion, kind, metadata: { name, ...metadata }, spec }
}

/** A class `production` that is in force. */
export const ofClass = (spec: DataServiceClassSpec): ClassChoice => ({
  kind: 'class',
  name: 'production',
  spec,
  rivals: [],
})
