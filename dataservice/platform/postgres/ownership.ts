/** Whose roles those on a Postgres that others run are: the owner among them carries a mark. */
import { createHmac } from 'node:crypto'
import type { Settings } from '#dataservice/contract/settings.ts'
import { Refused } from '../refused.ts'
import type { Session } from './session.ts'

export type User = keyof Settings['store']['users']

export interface Provision {
  store: Pick<Settings['store'], 'schema' | 'users' | 'database'>
  /** `namespace/name`: told to whoever finds the roles. */
  service: string
  /** Of printable ASCII; never sent, only what the server stores of them. */
  passwords: Readonly<Record<User, string>>
}

/**
 * Whether the roles are there and belong to this service. Rejects with `Refused` where they belong to another one, or
 * where somebody took their mark away.
 */
export async function isProvisioned(
  session: Session,
  { store, service, passwords }: Provision,
): Promise<boolean> {
  const { owner } = store.users
  const known = { text: 'SELECT FROM pg_roles WHERE rolname = $1', values: [owner] }
  if ((await session.query(known)).count === 0) return false
  if ((await markFound(session, owner)) !== markOf(service, passwords))
    throw new Refused('NameTaken', `role ${owner} does not belong to this DataService`)
  return true
}

/** Tells the service and, without giving anything away, that it has the same credentials as before. */
export function markOf(service: string, { owner }: Provision['passwords']): string {
  const proof = createHmac('sha256', owner).update('owner of the roles').digest('hex').slice(0, 16)
  return `DataService ${service} (${proof})`
}

/** Undefined where the role is not there, or where somebody took the mark away. */
export async function markFound(session: Session, owner: string): Promise<string | undefined> {
  const text = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1"
  const { rows } = await session.query({ text, values: [owner] })
  return rows[0]?.[0] ?? undefined
}
