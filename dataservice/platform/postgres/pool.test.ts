import { describe, expect, test, vi } from 'vitest'
import { Pool, type Pooled } from './pool.ts'

class Member implements Pooled {
  usable = true
  ended = false
  async end(): Promise<void> {
    this.ended = true
  }
  destroy(): void {
    this.usable = false
  }
}

function makePool(size: number, open: () => Promise<Member> = async () => new Member()) {
  const opened = vi.fn(open)
  return { opened, pool: new Pool<Member>({ size, open: opened, waitMs: 10_000, maxWaiting: 2 }) }
}

describe('a pool', () => {
  test('uses a member again, and opens another for one that broke', async () => {
    const { pool, opened } = makePool(1)
    const first = await pool.use(async member => member)
    expect(await pool.use(async member => member)).toBe(first)
    await pool.use(async member => member.destroy())
    expect(await pool.use(async member => member)).not.toBe(first)
    expect(opened).toHaveBeenCalledTimes(2)
  })

  test('replaces members that are not current any more, used or idle, and leaves others alone', async () => {
    const current = new Set<Member>()
    const open = async (): Promise<Member> => {
      const member = new Member()
      current.add(member)
      return member
    }
    const isCurrent = (member: Member): boolean => current.has(member)
    const pool = new Pool<Member>({ size: 1, open, isCurrent, waitMs: 10_000, maxWaiting: 2 })
    const first = await pool.use(async member => member)
    expect(await pool.use(async member => member)).toBe(first)
    current.clear()
    const second = await pool.use(async member => {
      current.clear()
      return member
    })
    expect(second).not.toBe(first)
    expect([first.ended, second.ended]).toEqual([true, true])
    expect(await pool.use(async member => member)).not.toBe(second)
  })

  test('trusts no idle member once another one broke', async () => {
    const { pool, opened } = makePool(3)
    const gate = Promise.withResolvers<void>()
    const members: Member[] = []
    const use = () =>
      pool.use(member => {
        members.push(member)
        return gate.promise
      })
    const all = Promise.all([use(), use(), use()])
    gate.resolve()
    await all
    await pool.use(async member => member.destroy())
    expect(members.map(({ usable }) => usable)).toEqual([false, false, false])
    await pool.use(async () => 'anew')
    expect(opened).toHaveBeenCalledTimes(4)
  })

  test('gives the place of a failed opening back', async () => {
    const { pool, opened } = makePool(1)
    opened.mockRejectedValueOnce(new Error('no'))
    await expect(pool.use(async () => 'never')).rejects.toThrow('no')
    expect(pool.busy).toBe(0)
    expect(await pool.use(async () => 'again')).toBe('again')
  })

  test('serves callers in turn and refuses one too many', async () => {
    const { pool } = makePool(1)
    const order: number[] = []
    const gate = Promise.withResolvers<void>()
    const calls = [0, 1, 2].map(n =>
      pool.use(async () => {
        await gate.promise
        order.push(n)
      }),
    )
    expect([pool.busy, pool.waiting]).toEqual([1, 2])
    await expect(pool.use(async () => 'late')).rejects.toThrow('too many callers')
    gate.resolve()
    await Promise.all(calls)
    expect(order).toEqual([0, 1, 2])
    expect([pool.busy, pool.waiting]).toEqual([0, 0])
  })

  test('closes when what runs has ended, and takes nobody in after', async () => {
    const { pool } = makePool(1)
    const gate = Promise.withResolvers<void>()
    const running = pool.use(async member => {
      await gate.promise
      return member
    })
    const closed = pool.close()
    await expect(pool.use(async () => 'late')).rejects.toThrow('the pool is closed')
    gate.resolve()
    await closed
    expect((await running).ended).toBe(true)
  })
})
