/**
 * Which topics of a Kafka that others run were made for one service, as its database says: by their ids, so that one that
 * somebody made under the same name is not among them.
 */
import type { TopicAdmin } from '#dataservice/platform/kafka/topic-admin.ts'
import { quoted } from '#dataservice/platform/postgres/record-fields.ts'
import type { Session } from '#dataservice/platform/postgres/session.ts'

const factName = 'log.topics'

/** Where they stand. */
export interface Claiming {
  session: Pick<Session, 'query'>
  schema: string
}

/**
 * `NAME=ID` for each topic that was made; `NAME=` before one is, so that a run that ends in between leaves a word of it; and
 * `NAME` where it was claimed by a version that kept no ids.
 */
export type Claims = Set<string>

export async function readClaims({ session, schema }: Claiming): Promise<Claims> {
  const text = `SELECT value FROM ${quoted(schema)}.service_facts WHERE name = $1`
  const { rows } = await session.query({ text, values: [factName] })
  return new Set((rows[0]?.[0] ?? '').split(' ').filter(claim => claim !== ''))
}

export async function storeClaims(claims: ReadonlySet<string>, { session, schema }: Claiming): Promise<void> {
  const text = `INSERT INTO ${quoted(schema)}.service_facts AS f (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE f.value <> excluded.value`
  await session.query({ text, values: [factName, [...claims].join(' ')] })
}

export const claimedNames = (claims: ReadonlySet<string>): string[] => [
  ...new Set([...claims].map(claim => claim.replace(/=.*/, ''))),
]

export const isClaimed = (claims: ReadonlySet<string>, name: string): boolean =>
  claimedNames(claims).includes(name)

/** It is about to be made. */
export const announce = (claims: Claims, name: string): Claims => claims.add(`${name}=`)
/** It was not made. */
export const withdraw = (claims: Claims, name: string): boolean => claims.delete(`${name}=`)

/** It was made, and is no other. */
export function settle(claims: Claims, name: string, id: string): void {
  for (const claim of [...claims]) if (claim === name || claim.startsWith(`${name}=`)) claims.delete(claim)
  claims.add(`${name}=${id}`)
}

/** One that was about to be made is its own while nobody has written to it: no pod of the service has by then. */
export async function isOwn(
  { name, id }: { name: string; id: string },
  claims: ReadonlySet<string>,
  admin: Pick<TopicAdmin, 'isUnused'>,
): Promise<boolean> {
  if (claims.has(name) || claims.has(`${name}=${id}`)) return true
  return claims.has(`${name}=`) && (await admin.isUnused(name))
}
