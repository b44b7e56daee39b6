/**
 * What the operator and the pods that bring backups to an object store agree on: the settings, which hold nothing secret,
 * and the sentence at `/readyz` by which such a pod says why it does not copy. The store is named by the fields of the
 * spec, so that whoever reads the sentence knows what to change.
 */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

const Text = Type.String({ minLength: 1 })

export const MirrorSettings = Type.Object({
  namespace: Text,
  name: Text,
  /** Of the DataService: another one of the same name is another one. */
  uid: Text,
  bucket: Text,
  prefix: Text,
  /** With its scheme. */
  endpoint: Text,
  region: Text,
  retainSeconds: Type.Integer({ minimum: 1 }),
  /** The archive that somebody told it to go on with. */
  archive: Type.Optional(Text),
})
export type MirrorSettings = Static<typeof MirrorSettings>

/** In the ConfigMap of the scripts of backups. */
export const mirrorSettingsFile = 'mirror.json'

/** Throws an Error that names what is wrong. */
export function parseMirrorSettings(text: string): MirrorSettings {
  const value: unknown = JSON.parse(text)
  if (Value.Check(MirrorSettings, value)) return value
  const [first] = Value.Errors(MirrorSettings, value)
  throw new Error(`${mirrorSettingsFile}: ${first?.instancePath || '/'} ${first?.message ?? 'is not valid'}`)
}

/** Environment of `fetch`, and of the script of a restore: the moment or the copy, or neither for all there is. */
export const fetchVariables = { time: 'RESTORE_TIME', backup: 'RESTORE_BACKUP' } as const

/** Ends a Job that no repetition mends. */
export const refusedExitCode = 42

/** How people know the place. */
export const placeText = ({ bucket, prefix, endpoint }: MirrorSettings): string =>
  `bucket ${bucket} at ${endpoint}, prefix ${prefix}`

/** Entries of the Secret of the user, as tools that make buckets name them. */
export const storeKeys = { id: 'AWS_ACCESS_KEY_ID', secret: 'AWS_SECRET_ACCESS_KEY' } as const

const mirrorReasons = ['StoreUnreachable', 'StoreRefused', 'StoreForeign', 'StoreBehind'] as const
export type MirrorReason = (typeof mirrorReasons)[number]

/** Why it does not copy, or has not copied enough yet; one sentence without its full stop. */
export interface MirrorReport {
  reason: MirrorReason
  text: string
}

export const mirrorLine = ({ reason, text }: MirrorReport): string => `${reason}: ${text}`

/** What a condition repeats of a pod's words. */
const longestText = 1000

/** Undefined for any other text. */
export function parseMirrorLine(line: string): MirrorReport | undefined {
  const reason = mirrorReasons.find(each => line.startsWith(`${each}: `))
  return reason && { reason, text: line.slice(reason.length + 2, reason.length + longestText).trim() }
}
