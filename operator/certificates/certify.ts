/**
 * Makes the certificates that are due and stores them. Keys of authorities are read here, when something is to be signed,
 * and nowhere else.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ClusterPort, KubernetesObject } from '#operator/cluster/port.ts'
import {
  authorityName,
  bundleKey,
  certificateKey,
  certificatesName,
  certified,
  hostsHash,
  hostsOf,
  keyKey,
  trustKey,
} from '#operator/desired/certificates.ts'
import { annotationKeys, type Child, isOurs, ownedMetadata } from '#operator/desired/labels.ts'
import {
  afterLoss,
  backdatedMs,
  type CertificateWish,
  type CertifyStep,
} from '#operator/reconcile/certificates/renewal.ts'
import { authorityTitle } from '#operator/reconcile/certificates/seen.ts'
import { issue, type KeyPair, makeAuthority, type Subject, type Validity } from './issue.ts'

/** A name that belongs to somebody else stands in the way. */
export class ForeignSecret extends Error {
  readonly secret: Child
  readonly live: KubernetesObject

  constructor(secret: Child, live: KubernetesObject) {
    super(`Secret ${secret.metadata.name} is not ours`)
    this.secret = secret
    this.live = live
  }
}

/** What stands where the key of an authority should be is none. */
export class UnusableAuthority extends Error {
  constructor(secret: string) {
    super(
      `Secret ${secret} holds no authority (a certificate and its key): delete it, and another authority takes over`,
    )
  }
}

type SecretOf = Child<{ data: Record<string, string> }>

interface Run {
  owner: DataService
  step: CertifyStep
  cluster: Pick<ClusterPort, 'get' | 'create' | 'apply' | 'remove'>
}

export type Certify = (owner: DataService, step: CertifyStep, cluster: Run['cluster']) => Promise<void>

/** Rejects with ForeignSecret, UnusableAuthority, or what the cluster says. */
export const certify: Certify = async (owner, step, cluster) => {
  const run = { owner, step, cluster }
  const { wish, authorities } = await authoritiesFor(run)
  const issuer = authorities.get(wish.issuer)
  if (issuer === undefined) throw new Error(`no key of authority ${wish.issuer}`)
  const trusted = wish.trusts.flatMap(generation => trustedOf(generation, authorities, step))
  // First what goes: who ends in between does both again, and a key that nobody needs is never left behind.
  for (const generation of wish.drops) await drop(run, authorityName(owner.metadata.name, generation))
  await store(run, await secretOf(run, issuer, trusted))
}

/** Those whose keys are needed, by generation. */
async function authoritiesFor(
  run: Run,
): Promise<{ wish: CertificateWish; authorities: Map<number, KeyPair> }> {
  const { wish } = run.step
  const authorities = new Map<number, KeyPair>()
  for (const generation of new Set([wish.issuer, ...(wish.makes === undefined ? [] : [wish.makes])])) {
    const pair = await authorityOf(run, generation, generation === wish.makes)
    if (pair !== undefined) authorities.set(generation, pair)
  }
  if (authorities.has(wish.issuer)) return { wish, authorities }
  const instead = afterLoss(wish)
  const pair = await authorityOf(run, instead.issuer, true)
  return { wish: instead, authorities: new Map(pair && [[instead.issuer, pair]]) }
}

/** What is stored under the name of an authority; made when it `mayBeMade`. */
async function authorityOf(
  { owner, step, cluster }: Run,
  generation: number,
  mayBeMade: boolean,
): Promise<KeyPair | undefined> {
  const { namespace, name } = owner.metadata
  const ref = { kind: 'Secret', namespace, name: authorityName(name, generation) } as const
  const found = await cluster.get(ref)
  if (found !== undefined || !mayBeMade) return found && pairIn(owner, found)
  const made = await makeAuthority(
    subjectOf(owner, authorityTitle(generation)),
    validity(step, step.lives.authority),
  )
  const secret = {
    ...secretNamed(owner, ref.name, 'authority'),
    immutable: true,
    data: encoded({ [authorityKeys.certificate]: made.certificate, [authorityKeys.key]: made.key }),
  }
  const creation = await cluster.create(secret)
  if (creation.kind === 'created') return made
  const other = await cluster.get(ref)
  return other && pairIn(owner, other)
}

const authorityKeys = { certificate: 'tls.crt', key: 'tls.key' } as const

function pairIn(owner: DataService, live: KubernetesObject): KeyPair {
  if (!isOurs(owner, live.metadata))
    throw new ForeignSecret(secretNamed(owner, live.metadata.name, 'authority'), live)
  const pair = { certificate: entry(live, authorityKeys.certificate), key: entry(live, authorityKeys.key) }
  if (!isWhole(pair)) throw new UnusableAuthority(live.metadata.name)
  return pair
}

function isWhole({ certificate, key }: KeyPair): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function trustedOf(
  generation: number,
  authorities: Map<number, KeyPair>,
  { trusted }: CertifyStep,
): string[] {
  const known = authorities.get(generation)?.certificate
  const seen = trusted.find(each => each.generation === generation)?.certificate
  const text = known ?? seen
  return text === undefined ? [] : [text.endsWith('\n') ? text : `${text}\n`]
}

/** All certificates are made anew: nothing has to be read that was made before. */
async function secretOf(
  { owner, step }: Run,
  issuer: KeyPair,
  trusted: readonly string[],
): Promise<SecretOf> {
  const hosts = hostsOf(owner)
  const entries: Record<string, string> = { [trustKey]: trusted.join('') }
  for (const part of certified) {
    const asked = { ...validity(step, step.lives.certificate), hosts: hosts[part] }
    const pair = await issue(issuer, subjectOf(owner, part), asked)
    entries[certificateKey(part)] = pair.certificate
    entries[keyKey(part)] = pair.key
    if (part === 'kafka') entries[bundleKey(part)] = pair.key + pair.certificate
  }
  const secret = secretNamed(owner, certificatesName(owner.metadata.name), 'certificates')
  const annotations = {
    [annotationKeys.issue]: String(step.issue),
    [annotationKeys.desired]: hostsHash(owner),
    ...(step.rotated !== undefined && { [annotationKeys.rotated]: step.rotated }),
  }
  return { ...secret, metadata: { ...secret.metadata, annotations }, data: encoded(entries) }
}

/** What is there is replaced in place: a pod follows a Secret by its name, and only while it is not immutable. */
async function store({ owner, step, cluster }: Run, secret: SecretOf): Promise<void> {
  if (step.uid !== undefined) {
    await cluster.apply({ ...secret, metadata: { ...secret.metadata, uid: step.uid } })
    return
  }
  if ((await cluster.create(secret)).kind === 'created') return
  const { namespace, name } = secret.metadata
  const live = await cluster.get({ kind: 'Secret', namespace, name })
  if (live !== undefined && !isOurs(owner, live.metadata)) throw new ForeignSecret(secret, live)
}

async function drop({ owner, cluster }: Run, name: string): Promise<void> {
  const ref = { kind: 'Secret', namespace: owner.metadata.namespace, name } as const
  const live = await cluster.get(ref)
  const uid = live?.metadata.uid
  if (live === undefined || uid === undefined || !isOurs(owner, live.metadata)) return
  await cluster.remove(ref, { uid, propagation: 'Background' })
}

const secretNamed = (owner: DataService, name: string, component: string): Child => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: ownedMetadata(owner, name, component),
})

const subjectOf = ({ metadata }: DataService, name: string): Subject => ({
  namespace: metadata.namespace,
  service: metadata.name,
  name,
})

const validity = ({ at }: CertifyStep, life: number): Validity => {
  const from = new Date(at.getTime() - backdatedMs)
  return { from, until: new Date(from.getTime() + life) }
}

const encoded = (entries: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(entries).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  )

function entry(secret: KubernetesObject, key: string): string {
  const data: unknown = Reflect.get(secret, 'data')
  const value: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, key) : undefined
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : ''
}
