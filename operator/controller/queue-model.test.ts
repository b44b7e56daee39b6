import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mostSlow } from './shares.ts'
import { done, failed, queueWorld, settled } from './testing/queue-world.ts'

type Step =
  | { do: 'add'; key: string }
  | { do: 'addAfter'; key: string; ms: number }
  | { do: 'advance'; ms: number }
  | { do: 'end'; pick: number; fails: boolean }

const key = fc.constantFrom('one/a', 'one/b', 'two/c', 'two/d')
const ms = fc.integer({ min: 0, max: 2_000 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key }),
  fc.record({ do: fc.constant('addAfter' as const), key, ms }),
  fc.record({ do: fc.constant('advance' as const), ms }),
  fc.record({ do: fc.constant('end' as const), pick: fc.nat(), fails: fc.boolean() }),
)

/** A queue together with what it owes: keys that were added after their last run began. */
function modelled(workers: number) {
  const { queue, running, starts, advance } = queueWorld({ workers })
  const owed = new Set<string>()
  let counted = 0

  async function endOne(pick: number, fails: boolean): Promise<void> {
    const run = running[pick % Math.max(running.length, 1)]
    if (fails && run) owed.delete(run.key) // it waits for its back-off
    await run?.end(fails ? failed : done)
  }

  async function take(each: Step): Promise<void> {
    if (each.do === 'add') {
      owed.add(each.key)
      queue.add(each.key)
    }
    if (each.do === 'addAfter') queue.addAfter(each.key, each.ms)
    if (each.do === 'advance') await advance(each.ms)
    if (each.do === 'end') await endOne(each.pick, each.fails)
    await settled()
  }

  function check(): void {
    for (const begun of starts.slice(counted)) owed.delete(begun)
    counted = starts.length
    const keys = running.map(run => run.key)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.length).toBeLessThanOrEqual(workers)
    // Beyond that, workers may be kept for namespaces that are quick.
    if (keys.length < mostSlow(workers)) for (const left of owed) expect(keys).toContain(left)
  }

  /** Ends all runs well; answers what is still owed then. */
  async function drain(): Promise<string[]> {
    for (let left = 100; left > 0 && (running.length > 0 || owed.size > 0); left -= 1) {
      await endOne(0, false)
      await advance(1_000)
      check()
    }
    await queue.stop()
    return [...owed]
  }
  return { take, check, drain }
}

test('whatever happens: never twice at once, never above the workers, nothing forgotten', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 40 }),
    fc.integer({ min: 1, max: 4 }),
    async (steps, workers) => {
      const model = modelled(workers)
      for (const each of steps) {
        await model.take(each)
        model.check()
      }
      expect(await model.drain()).toEqual([])
    },
  )
  await fc.assert(property, { numRuns: 150 })
})
