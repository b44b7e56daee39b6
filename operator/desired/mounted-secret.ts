/** Secrets of users: named by them, mounted by pods, kept up to date by the kubelet, and never read by the operator. */
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node'

export interface MountedSecret {
  /** What it is for, in the words of the spec. */
  path: string
  /** Who makes it; absent: a user. */
  maker?: string
  secret: string
  /** The entry that must be there. */
  key?: string
  volume: V1Volume
  mount: V1VolumeMount
}

interface Wish {
  volume: string
  /** Where it is mounted. */
  folder: string
  path: string
  maker?: string | undefined
  secret: string
  entry?: { key: string; path: string }
}

export function mountedSecret({ volume, folder, path, maker, secret, entry }: Wish): MountedSecret {
  return {
    path,
    ...(maker !== undefined && { maker }),
    secret,
    ...(entry && { key: entry.key }),
    volume: {
      name: volume,
      secret: { secretName: secret, defaultMode: 0o440, ...(entry && { items: [entry] }) },
    },
    mount: { name: volume, mountPath: folder, readOnly: true },
  }
}
