/** Users of Kafka and their rights. kafkajs has no call for users, so all of it goes by the plain protocol. */
import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import {
  AclOperations,
  AclPermissionTypes,
  alterUserScramCredentialsV0,
  type Connection,
  createAclsV3,
  deleteAclsV3,
  describeAclsV3,
  describeUserScramCredentialsV0,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import type { Access, ObservedUser, Right } from '#operator/desired/consumers.ts'
import type { KnownAccessChange } from './port.ts'

const principalOf = (user: string): string => `User:${user}`
const userOf = (principal: string): string => principal.slice(principal.indexOf(':') + 1)

/** SCRAM-SHA-512 in Kafka's numbers. */
const scram512 = 2
/** Passwords have 256 random bits: more rounds would only cost the brokers time at each login. */
const rounds = 4_096
const hashLength = 64

/** What a broker answers that has no authorizer. */
const securityDisabled = 54
/** What it answers about a user that there is not. */
const notFound = 91

/** Those whose names begin with `prefix`; undefined while nobody is asked for rights. */
export async function accessOf(connection: Connection, prefix: string): Promise<Access | undefined> {
  const rights = await allRights(connection)
  if (rights === undefined) return undefined
  const { results } = await describeUserScramCredentialsV0.api.async(connection, null)
  const logins = results.filter(({ credentialInfos }) =>
    credentialInfos.some(({ mechanism }) => Number(mechanism) === scram512),
  )
  const users = new Map<string, ObservedUser>()
  for (const { user } of logins) users.set(user, { hasPassword: true, rights: [] })
  for (const { user, right } of rights) {
    const { hasPassword, rights: others } = users.get(user) ?? { hasPassword: false, rights: [] }
    users.set(user, { hasPassword, rights: [...others, right] })
  }
  return new Map([...users].filter(([user]) => user.startsWith(prefix)))
}

const anything = {
  resourceType: ResourceTypes.ANY,
  resourceName: null,
  resourcePatternType: ResourcePatternTypes.ANY,
  principal: null,
  host: null,
  operation: AclOperations.ANY,
  permissionType: AclPermissionTypes.ANY,
} as const

async function allRights(connection: Connection): Promise<{ user: string; right: Right }[] | undefined> {
  try {
    const { resources } = await describeAclsV3.api.async(connection, anything)
    return resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls }) =>
      acls.map(({ principal, host, operation, permissionType }) => ({
        user: userOf(principal),
        right: {
          resource: wordFor(ResourceTypes, resourceType),
          name: resourceName,
          pattern: wordFor(ResourcePatternTypes, resourcePatternType),
          operation: wordFor(AclOperations, operation),
          permission: wordFor(AclPermissionTypes, permissionType),
          host,
        },
      })),
    )
  } catch (error) {
    if (codesIn(error).includes(securityDisabled)) return undefined
    throw error
  }
}

export async function changeAccess(
  connection: Connection,
  changes: readonly KnownAccessChange[],
): Promise<void> {
  for (const change of changes) await make(connection, change)
}

async function make(connection: Connection, change: KnownAccessChange): Promise<void> {
  switch (change.change) {
    case 'allow':
      await createAclsV3.api.async(connection, aclsOf(change))
      return
    case 'forbid':
      await deleteAclsV3.api.async(connection, aclsOf(change))
      return
    case 'admit':
      await alterUserScramCredentialsV0.api.async(connection, [], [await credentialOf(change)])
      return
    case 'dismiss':
      await dismiss(connection, change.user)
      return
    default:
      change satisfies never
  }
}

/** Who is gone already, is gone. */
async function dismiss(connection: Connection, name: string): Promise<void> {
  try {
    await alterUserScramCredentialsV0.api.async(connection, [{ name, mechanism: scram512 }], [])
  } catch (error) {
    if (!codesIn(error).includes(notFound)) throw error
  }
}

async function credentialOf({ user: name, password }: { user: string; password: string }) {
  const salt = randomBytes(hashLength)
  const saltedPassword = await promisify(pbkdf2)(password, salt, rounds, hashLength, 'sha512')
  return { name, mechanism: scram512, iterations: rounds, salt, saltedPassword }
}

const aclsOf = ({ user, rights }: { user: string; rights: readonly Right[] }) =>
  rights.map(({ resource, name, pattern, operation, permission, host }) => ({
    principal: principalOf(user),
    host,
    resourceType: numberFor(ResourceTypes, resource),
    resourceName: name,
    resourcePatternType: numberFor(ResourcePatternTypes, pattern),
    operation: numberFor(AclOperations, operation),
    permissionType: numberFor(AclPermissionTypes, permission),
  }))

function wordFor(words: Readonly<Record<string, number>>, number: number): string {
  return Object.keys(words).find(word => words[word] === number) ?? 'UNKNOWN'
}

function numberFor<Numbers extends number>(words: Readonly<Record<string, Numbers>>, word: string): Numbers {
  const number = words[word]
  if (number === undefined) throw new Error(`Kafka has no word ${word} for rights`)
  return number
}

/** The client packs what a broker says: an error in an error. */
function codesIn(error: unknown): number[] {
  if (!(error instanceof Error)) return []
  const code: unknown = Reflect.get(error, 'apiCode')
  const inner: unknown = Reflect.get(error, 'errors')
  const more = Array.isArray(inner) ? inner.flatMap(codesIn) : []
  return [...(typeof code === 'number' ? [code] : []), ...more]
}
