/** Users and rights of the twin. */
import type { Access, ObservedUser, Right } from '#operator/desired/consumers.ts'
import { canonicalText } from '#operator/desired/hash.ts'
import type { KnownAccessChange, LogAddress, TopicsPort } from './port.ts'

type Rights = Map<string, readonly Right[]>
type InMemoryAccess = Pick<TopicsPort, 'access' | 'changeAccess'> & { passwords: Map<string, string> }

/** `guarded` throws while nobody answers, and tells whether anybody is asked for rights. */
export function inMemoryAccess(guarded: (log: LogAddress) => boolean): InMemoryAccess {
  const passwords = new Map<string, string>()
  const rights: Rights = new Map()
  return {
    passwords,
    access: async (log, prefix) => (guarded(log) ? accessIn(passwords, rights, prefix) : undefined),
    changeAccess: async (log, changes) => {
      guarded(log)
      for (const change of changes) changeAccess(passwords, rights, change)
    },
  }
}

function accessIn(passwords: ReadonlyMap<string, string>, rights: Rights, prefix: string): Access {
  const users = [...new Set([...passwords.keys(), ...rights.keys()])].filter(user => user.startsWith(prefix))
  return new Map(
    users.map((user): [string, ObservedUser] => [
      user,
      { hasPassword: passwords.has(user), rights: rights.get(user) ?? [] },
    ]),
  )
}

function changeAccess(passwords: Map<string, string>, rights: Rights, change: KnownAccessChange): void {
  const { user } = change
  const others = (less: readonly Right[]): Right[] =>
    (rights.get(user) ?? []).filter(each => !less.some(right => canonicalText(right) === canonicalText(each)))
  switch (change.change) {
    case 'allow':
      rights.set(user, [...others(change.rights), ...change.rights])
      return
    case 'forbid': {
      const left = others(change.rights)
      if (left.length > 0) rights.set(user, left)
      else rights.delete(user)
      return
    }
    case 'admit':
      passwords.set(user, change.password)
      return
    case 'dismiss':
      passwords.delete(user)
      return
    default:
      change satisfies never
  }
}
