/** The operator's own certificates, one of each DataService, as they stand in Secrets. */
import type { SecureContextOptions } from 'node:tls'
import type { ClusterPort } from '#operator/cluster/port.ts'
import type { Place } from '#operator/desired/certificates.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import type { LogAddress } from './port.ts'

export type Identity = Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>
/** Undefined where hops are plain. Rejects when the Secret is missing. */
export type Identities = (log: LogAddress) => Promise<Identity | undefined>

/** Beyond so many DataServices each is read anew for every look at its log. */
const most = 4_000

/** Reads a Secret once for each of its versions. */
export function identities(cluster: Pick<ClusterPort, 'get'>): Identities {
  const known = new Map<string, { version: string; identity: Identity }>()
  return async ({ certificates }) => {
    if (certificates === undefined) return undefined
    const { namespace, place, version } = certificates
    const key = `${namespace}/${place.secret}`
    const found = known.get(key)
    if (found?.version === version) return found.identity
    const secret = await cluster.get({ kind: 'Secret', namespace, name: place.secret })
    const identity = secret && identityIn(secret, place)
    if (identity === undefined) throw new Error(`Secret ${key} with the operator's certificate is missing`)
    if (known.size >= most) known.clear()
    known.set(key, { version, identity })
    return identity
  }
}

function identityIn(secret: object, place: Place): Identity | undefined {
  const data: unknown = Reflect.get(secret, 'data')
  const [ca, cert, key] = [place.authority, place.certificate, place.key].map(name => {
    const value = isPlainObject(data) ? data[name] : undefined
    return typeof value === 'string' ? Buffer.from(value, 'base64') : undefined
  })
  return ca && cert && key && { ca, cert, key }
}
