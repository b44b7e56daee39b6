/** What each value of `security.tls` means for the parts. The one place that tells modes apart. */
import type { HopMode } from '#crds/v1alpha1/built-in.ts'
import type { Effective } from './effective.ts'

/** Who makes the certificates that parts show to each other. */
export type Signer = 'operator'

/** Without a signer the parts themselves are plain. */
const signers: Readonly<Record<HopMode, Signer | undefined>> = {
  Internal: 'operator',
  Off: undefined,
}

type Hops = Pick<Effective, 'tls'>

/** Undefined where nobody shows a certificate. */
export const signerOf = ({ tls }: Hops): Signer | undefined => signers[tls]

/** Whether the parts themselves talk to each other by TLS. */
export const encrypts = (hops: Hops): boolean => signerOf(hops) !== undefined
