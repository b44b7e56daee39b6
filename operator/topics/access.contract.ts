/** What every TopicsPort does about users and rights, with brokers that ask for them. */
import { expect, test } from 'vitest'
import { accessChanges, type Right, type WantedUser } from '#operator/desired/consumers.ts'
import type { KnownAccessChange, LogAddress, TopicsPort } from './port.ts'

export interface AccessUnderTest {
  port: TopicsPort
  log: LogAddress
}

const right = (change: Partial<Right> = {}): Right => ({
  resource: 'TOPIC',
  name: 'shop.orders.events',
  pattern: 'LITERAL',
  operation: 'READ',
  permission: 'ALLOW',
  host: '*',
  ...change,
})

export function accessContract(start: () => AccessUnderTest): void {
  const prefix = 'shop.orders.contract.'
  const user = 'shop.orders.contract.1'
  const rights = [right(), right({ resource: 'GROUP', name: 'shop.orders.contract.', pattern: 'PREFIXED' })]
  const wanted: WantedUser[] = [{ user, secret: 'binding', rights }]
  const withPassword = (changes: ReturnType<typeof accessChanges>): KnownAccessChange[] =>
    changes.map(each => (each.change === 'admit' ? { ...each, password: 'secret' } : each))

  /** A broker hears a moment later of what the controller has written. */
  const settles = async (asked: readonly WantedUser[]): Promise<void> => {
    const { port, log } = start()
    const changes = async () => accessChanges(asked, (await port.access(log, prefix)) ?? new Map())
    await port.changeAccess(log, withPassword(await changes()))
    await expect.poll(changes, { timeout: 30_000 }).toEqual([])
  }

  test('a user is let in with its rights; looking again asks for no change', async () => {
    const { port, log } = start()
    await settles(wanted)
    const access = await port.access(log, prefix)
    expect(access?.get(user)).toEqual({ hasPassword: true, rights: expect.arrayContaining(rights) })
    expect(await port.access(log, 'shop.other.')).toEqual(new Map())
  })

  test('a right that somebody added, of whatever kind, is seen and taken away', async () => {
    const { port, log } = start()
    await settles(wanted)
    const added = [right({ operation: 'WRITE' }), right({ resource: 'CLUSTER', name: 'kafka-cluster' })]
    await port.changeAccess(log, [{ change: 'allow', user, rights: added }])
    const seen = async () => (await port.access(log, prefix))?.get(user)?.rights.length
    await expect.poll(seen, { timeout: 30_000 }).toBe(4)
    await settles(wanted)
    expect(await seen()).toBe(2)
  })

  test('of a user that goes nothing is left, and it may be told again', async () => {
    const { port, log } = start()
    await settles(wanted)
    await settles([])
    expect((await port.access(log, prefix))?.has(user)).toBe(false)
    await port.changeAccess(log, [
      { change: 'forbid', user, rights },
      { change: 'dismiss', user },
    ])
  })
}
