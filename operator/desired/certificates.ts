/**
 * Who shows a certificate, by which names, and where it stands. An authority and the certificates that it has signed are
 * Secrets of the operator; pods mount their own certificate and the authorities, and nothing else of it.
 */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { certificateFiles, mounts } from '#dataservice/contract/names.ts'
import { contentHash } from './hash.ts'
import { encrypts } from './hop-modes.ts'
import { partName, parts, postgresPrimaryName, postgresReplicaName, serviceHost } from './names.ts'
import type { Target } from './target.ts'

/** `jobs`: migrate and maintain. `operator`: it asks Kafka about the topics. */
export const certified = [...parts, 'jobs', 'operator'] as const
export type Certified = (typeof certified)[number]

/** The certificates of all parts, replaced in place: a volume follows it while a pod runs. */
export const certificatesName = (owner: string): string => `${owner}-certificates`
/** An authority; each has a name of its own, and never changes. */
export const authorityName = (owner: string, generation: number): string => `${owner}-authority-${generation}`

/** Entry of the Secret that holds the authorities that everybody trusts, the newest last. */
export const trustKey = certificateFiles.authority
export const certificateKey = (part: Certified): string => `${part}.crt`
export const keyKey = (part: Certified): string => `${part}.key`
/** Key and certificate in one file: Kafka takes them so. */
export const bundleKey = (part: Certified): string => `${part}.pem`
/** The same in a pod. */
export const bundleFile = 'tls.pem'

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
  { owner, effective }: Pick<Target, 'owner' | 'effective'>,
  part: Certified,
): { volume: V1Volume; mount: V1VolumeMount }[] {
  if (!encrypts(effective)) return []
  const items = [
    { key: trustKey, path: certificateFiles.authority },
    ...(part === 'kafka'
      ? [{ key: bundleKey(part), path: bundleFile }]
      : [
          { key: certificateKey(part), path: certificateFiles.certificate },
          { key: keyKey(part), path: certificateFiles.key },
        ]),
  ]
  const secret = { secretName: certificatesName(owner.metadata.name), items, defaultMode: 0o440 }
  const name = certificateVolume
  return [{ volume: { name, secret }, mount: { name, mountPath: mounts.certificates.path, readOnly: true } }]
}

/** Name of that volume; a workload that has it encrypts. */
export const certificateVolume = 'certificates'
