/** Whether the hops of a DataService are encrypted by now. Pure. */
import type { HopMode } from '#crds/v1alpha1/built-in.ts'
import { certificateVolume } from './certificates.ts'
import { isPlainObject } from './hash.ts'
import { engineParts, partName } from './names.ts'
import type { ObservedChild, Target } from './target.ts'

type Seen = Pick<Target, 'owner' | 'observed'>

/**
 * What was recorded, or what the engines show that are there: those of an older operator are plain, whatever is built in
 * today. Undefined: there is nothing yet.
 */
export function hopsInUse({ owner, observed }: Seen): HopMode | undefined {
  const recorded = owner.status?.security?.tls
  if (recorded !== undefined) return recorded
  const engines = engineParts.flatMap(
    part => observed('StatefulSet', partName(owner.metadata.name, part)) ?? [],
  )
  if (engines.length === 0) return undefined
  return engines.some(hasCertificates) ? 'Internal' : 'Off'
}

function hasCertificates({ spec }: ObservedChild): boolean {
  const template = spec?.['template']
  const pod = isPlainObject(template) ? template['spec'] : undefined
  const volumes = isPlainObject(pod) ? pod['volumes'] : undefined
  return (
    Array.isArray(volumes) &&
    volumes.some(volume => isPlainObject(volume) && volume['name'] === certificateVolume)
  )
}
