/**
 * Who shows a certificate, by which names, and where it stands. Whoever signs, a pod mounts its own certificate and the
 * authorities, and nothing else of it, at the same places.
 */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { certificateFiles, mounts } from '#dataservice/contract/names.ts'
import { isManaged } from './engine-choice.ts'
import { contentHash } from './hash.ts'
import { type Signer, signerOf } from './hop-modes.ts'
import { partName, parts, postgresPrimaryName, postgresReplicaName, serviceHost } from './names.ts'
import type { Target } from './target.ts'

/** `jobs`: migrate and maintain. `operator`: it asks Kafka about the topics. */
export const certified = [...parts, 'jobs', 'operator'] as const
export type Certified = (typeof certified)[number]

/** Days that certificates live. */
export const lifeDays = { authority: 730, certificate: 90 } as const
/** Of their life, after which they are renewed. */
export const renewedAfter = 2 / 3

/** The certificates of all parts, replaced in place: a volume follows it while a pod runs. */
export const certificatesName = (owner: string): string => `${owner}-certificates`
/** An authority; each has a name of its own, and never changes. */
export const authorityName = (owner: string, generation: number): string => `${owner}-authority-${generation}`
/** One part's certificate of cert-manager, and the Secret that holds it. */
export const issuedName = (owner: string, part: Certified): string => `${owner}-${part}-certificate`

/** Entry of the Secret that holds the authorities that everybody trusts, the newest last. */
export const trustKey = certificateFiles.authority
export const certificateKey = (part: Certified): string => `${part}.crt`
export const keyKey = (part: Certified): string => `${part}.key`
/** Key and certificate in one file: Kafka takes them so. */
export const bundleKey = (part: Certified): string => `${part}.pem`
/** The same in a pod. */
export const bundleFile = 'tls.pem'

/** Where a part's certificate stands: a Secret, and the names of its entries. */
export interface Place {
  secret: string
  authority: string
  certificate: string
  key: string
  bundle: string
}

const places: Readonly<Record<Signer, (owner: string, part: Certified) => Place>> = {
  operator: (owner, part) => ({
    secret: certificatesName(owner),
    authority: trustKey,
    certificate: certificateKey(part),
    key: keyKey(part),
    bundle: bundleKey(part),
  }),
  // The entries are named by cert-manager.
  'cert-manager': (owner, part) => ({
    secret: issuedName(owner, part),
    authority: 'ca.crt',
    certificate: 'tls.crt',
    key: 'tls.key',
    bundle: 'tls-combined.pem',
  }),
}

/** Undefined where nobody shows a certificate. */
export function placeOf(
  { owner, effective }: Pick<Target, 'owner' | 'effective'>,
  part: Certified,
): Place | undefined {
  const signer = signerOf(effective)
  return signer && places[signer](owner.metadata.name, part)
}

/** Those of whom there is a certificate: engines that others run have none of ours, and nor has who asks them. */
export const certifiedIn = (effective: Pick<Target['effective'], 'providers'>): Certified[] =>
  certified.filter(part => isManaged(effective, part === 'operator' ? 'kafka' : part))

/** Names that a client may have asked for; the first label of a wildcard is a pod. */
export function hostsOf({
  metadata: { namespace, name },
}: DataService): Record<Certified, readonly string[]> {
  const service = (own: string): string => serviceHost(own, namespace)
  const pods = (part: 'kafka' | 'postgres' | 'redis'): string => `*.${service(partName(name, part))}`
  return {
    gateway: [service(partName(name, 'gateway'))],
    writer: [],
    reader: [service(partName(name, 'reader'))],
    kafka: [pods('kafka'), 'localhost'],
    postgres: [
      service(postgresPrimaryName(name)),
      service(postgresReplicaName(name)),
      pods('postgres'),
      'localhost',
    ],
    redis: [pods('redis'), 'localhost'],
    jobs: [],
    operator: [],
  }
}

/** Another one when certificates with other names are due. */
export const hostsHash = (owner: DataService): string => contentHash(hostsOf(owner))

/** What a pod of this part mounts; empty while hops are plain. */
export function certificateVolumes(
  target: Pick<Target, 'owner' | 'effective'>,
  part: Certified,
): { volume: V1Volume; mount: V1VolumeMount }[] {
  const place = placeOf(target, part)
  if (place === undefined) return []
  const items = [
    { key: place.authority, path: certificateFiles.authority },
    ...(part === 'kafka'
      ? [{ key: place.bundle, path: bundleFile }]
      : [
          { key: place.certificate, path: certificateFiles.certificate },
          { key: place.key, path: certificateFiles.key },
        ]),
  ]
  const secret = { secretName: place.secret, items, defaultMode: 0o440 }
  const name = certificateVolume
  return [{ volume: { name, secret }, mount: { name, mountPath: mounts.certificates.path, readOnly: true } }]
}

/** Name of that volume; a workload that has it encrypts. */
export const certificateVolume = 'certificates'
