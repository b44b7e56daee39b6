/** How the hops of a DataService are protected by now. Pure. */
import type { HopMode } from '#crds/v1alpha1/built-in.ts'
import { certificatesName, certificateVolume } from './certificates.ts'
import { isPlainObject } from './hash.ts'
import { asksForProxy } from './mesh-pods.ts'
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
  const { name } = owner.metadata
  const engines = engineParts.flatMap(part => observed('StatefulSet', partName(name, part)) ?? [])
  if (engines.length === 0) return undefined
  const secrets = engines.flatMap(engine => certificatesOf(engine) ?? [])
  if (secrets.length > 0) return secrets.includes(certificatesName(name)) ? 'Internal' : 'CertManager'
  return engines.some(engine => asksForProxy(labelsOf(engine))) ? 'Mesh' : 'Off'
}

/** The Secret from which its pods take their certificate. */
function certificatesOf(engine: ObservedChild): string | undefined {
  const volumes: unknown = podOf(engine, 'spec')['volumes']
  const all: unknown[] = Array.isArray(volumes) ? volumes : []
  const volume = all.filter(isPlainObject).find(each => each['name'] === certificateVolume)
  const secret = volume?.['secret']
  return isPlainObject(secret) ? String(secret['secretName']) : undefined
}

function labelsOf(engine: ObservedChild): Record<string, unknown> {
  const { labels } = podOf(engine, 'metadata')
  return isPlainObject(labels) ? labels : {}
}

/** Of the pods that it makes. */
function podOf({ spec }: ObservedChild, half: 'metadata' | 'spec'): Record<string, unknown> {
  const template = spec?.['template']
  const found = isPlainObject(template) ? template[half] : undefined
  return isPlainObject(found) ? found : {}
}
