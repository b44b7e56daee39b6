/**
 * Which certificates are due. Pure. An authority is replaced in phases, so that at each moment everybody trusts what
 * everybody else shows: the next one is trusted beside the old one, then it signs, then the old one is trusted no more.
 * Between two phases all pods get the time to read the files.
 */
import { lifeDays, renewedAfter } from '#operator/desired/certificates.ts'
import type { SeenAuthority, SeenCertificates } from './seen.ts'

/** Milliseconds. */
export interface CertificateLives {
  authority: number
  /** Of the parts. */
  certificate: number
  /** How long a change may take to reach every pod. */
  settle: number
}

const day = 86_400_000
/** A kubelet looks at Secrets every minute or so, and pods read the files every ten seconds at most. */
export const lives: CertificateLives = {
  authority: lifeDays.authority * day,
  certificate: lifeDays.certificate * day,
  settle: 5 * 60_000,
}

/** Begins so much in the past, for clocks that are behind: as Kubernetes does it for its own certificates. */
export const backdatedMs = 5 * 60_000

export interface CertificateWish {
  /** Generations that everybody trusts, the oldest first. */
  trusts: readonly number[]
  /** The one of them that signs. */
  issuer: number
  /** It is made if it is not there. */
  makes?: number
  /** Authorities whose keys go. */
  drops: readonly number[]
}

/** Makes all certificates anew. */
export interface CertifyStep {
  do: 'certify'
  wish: CertificateWish
  /** Authorities that are trusted by now. */
  trusted: readonly SeenAuthority[]
  /** Of the Secret that is replaced; absent: there is none yet. */
  uid?: string
  /** The how manieth time it is. */
  issue: number
  /** The wish of the user that is obeyed. */
  rotated?: string
  /** When they begin. */
  at: Date
  lives: CertificateLives
}

export interface CertificateState {
  seen: SeenCertificates | undefined
  /** The last generation that signed, where nothing else is known any more. */
  recorded: number | undefined
  /** Somebody wants a new authority. */
  isAsked: boolean
  /** The names of the parts are other ones. */
  isRenamed: boolean
  /** Everybody who has to be restarted for it has what is seen. */
  isTaken: boolean
}

/** Undefined while everything is in order. */
export function dueCertificates(
  { seen, recorded = 1, isAsked, isRenamed, isTaken }: CertificateState,
  now: Date,
  { settle }: Pick<CertificateLives, 'settle'> = lives,
): CertificateWish | undefined {
  if (seen === undefined) return { trusts: [recorded], issuer: recorded, makes: recorded, drops: [] }
  const { issuer, trusted, from, until } = seen
  const generations = trusted.map(({ generation }) => generation)
  const isSettled = isTaken && now.getTime() - from.getTime() - backdatedMs >= settle
  const next = generations.find(each => each > issuer)
  const old = generations.filter(each => each < issuer)
  if (next !== undefined && isSettled) return { trusts: generations, issuer: next, drops: [] }
  if (old.length > 0 && isSettled)
    return { trusts: generations.filter(each => each >= issuer), issuer, drops: old }
  const own = trusted.find(({ generation }) => generation === issuer)
  const isOld = own === undefined || isToReplace(own, now)
  if (next === undefined && old.length === 0 && (isAsked || isOld))
    return { trusts: [...generations, issuer + 1], issuer, makes: issuer + 1, drops: [] }
  const isRenewed = isRenamed || isToReplace({ from, until }, now)
  return isRenewed ? { trusts: generations, issuer, drops: [] } : undefined
}

/** Changes nothing but the certificates of the parts: who trusts whom, and who signs, stays. */
export const isRenewal = (wish: CertificateWish, seen: SeenCertificates | undefined): boolean =>
  wish.makes === undefined && wish.issuer === seen?.issuer && wish.trusts.length === seen.trusted.length

/** True while one authority takes over from another. */
export const isRotating = ({ trusted }: SeenCertificates): boolean => trusted.length > 1

/** Late in its life; or made by a clock that was ahead, so that nobody takes it yet. */
const isToReplace = ({ from, until }: { from: Date; until: Date }, now: Date): boolean =>
  now < from || now.getTime() - from.getTime() >= (until.getTime() - from.getTime()) * renewedAfter

/**
 * What can be done when the key of the authority that should sign is gone: the next one signs at once. Pods that have not
 * read it yet refuse each other until they have.
 */
export const afterLoss = ({ trusts, drops }: CertificateWish): CertificateWish => {
  const next = Math.max(...trusts) + 1
  return { trusts: [...trusts, next], issuer: next, makes: next, drops }
}
