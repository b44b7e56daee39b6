/** What each value of `security.tls` means for the parts. The one place that tells modes apart. */
import type { HopMode } from '#crds/v1alpha1/built-in.ts'

/** Who makes the certificates that parts show to each other. */
export type Signer = 'operator' | 'cert-manager'

interface Meaning {
  /** Without a signer the parts themselves are plain. */
  signer?: Signer
  /** A mesh encrypts what they say. */
  isMeshed?: true
}

const modes: Readonly<Record<HopMode, Meaning>> = {
  Internal: { signer: 'operator' },
  CertManager: { signer: 'cert-manager' },
  Mesh: { isMeshed: true },
  Off: {},
}

/** What is in force. */
export interface Hops {
  tls: HopMode
}

/** Undefined where nobody shows a certificate. */
export const signerOf = ({ tls }: Hops): Signer | undefined => modes[tls].signer

/** Whether the parts themselves talk to each other by TLS. */
export const encrypts = (hops: Hops): boolean => signerOf(hops) !== undefined

/** Whether a mesh protects the hops. */
export const isMeshed = ({ tls }: Hops): boolean => modes[tls].isMeshed === true
