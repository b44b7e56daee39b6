/** `onError: HoldKey` under faults: whatever is cut off, restarted and let go, each key keeps its order and loses nothing. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { record } from './testing/held-world.ts'
import { assign, proxiedWriter } from './testing/played-writer.ts'

/** The same numbers for the same seed. */
function chance(seed: number) {
  let state = seed
  return (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
}

const keys = ['a', 'b', 'c', 'd']
const isRefused = (body: string) => body === '{'

function randomLog(count: number, next: (below: number) => number) {
  return Array.from({ length: count }, (_, offset) => ({
    key: keys[next(keys.length)] ?? '',
    body: next(12) === 0 ? '{' : String(offset),
  }))
}

test.each([1, 2, 3])(
  'each key in the order of the log, everything once (seed %i)',
  async seed => {
    const next = chance(seed)
    const service = await migratedService(engines().postgres)
    const owner = service.open('owner')
    onTestFinished(() => owner.close())
    const sent = randomLog(400, next)
    const log = sent.map(({ key, body }, offset) => record(offset, key, body))
    const letGo = () => owner.query('UPDATE dead_letters SET blocks = false WHERE blocks')
    const column = async (text: string) => (await owner.query(text)).rows.flat()
    const writer = () =>
      proxiedWriter(service, { statementTimeoutMs: 2_000, networkGraceMs: 500 }, () => ({
        holdsKeys: true,
        maxRecords: 30,
      }))

    for (let done = 0; done < log.length; ) {
      const { assignment, proxy } = await writer()
      const from = Number((await assign(assignment, [0])).get(0))
      for (let at = from; at < log.length && next(6) > 0; ) {
        const upTo = at + 1 + next(30)
        if (next(3) === 0) proxy.failAt('COMMIT', next(2) === 0 ? 'cut-after' : 'cut-before')
        void assignment.records(0, log.slice(at, upTo))
        at = upTo
        if (next(2) === 0) await letGo()
        assignment.release()
        // Some are cut off at once, others when they have worked for a while.
        await new Promise(resolve => setTimeout(resolve, next(40)))
      }
      assignment.revoked()
      done = Number((await column('SELECT next_offset FROM ingest_offsets'))[0])
    }
    const last = await writer()
    await assign(last.assignment, [0])
    await vi.waitFor(
      async () => {
        await letGo()
        last.assignment.release()
        expect(await column('SELECT count(*) FROM held')).toEqual(['0'])
      },
      { timeout: 60_000, interval: 50 },
    )
    for (const key of keys) {
      const good = sent
        .filter(record => record.key === key && !isRefused(record.body))
        .map(({ body }) => body)
      // Rows of one transaction come to light together; where each lies is Postgres's choice.
      const byOffset = `FROM records WHERE key = '${key}' ORDER BY body::text::integer`
      expect(await column(`SELECT body ${byOffset}`)).toEqual(good)
      const transactions = (await column(`SELECT xmin ${byOffset}`)).map(Number)
      expect(transactions).toEqual(transactions.toSorted((one, other) => one - other))
    }
    const refused = sent.flatMap(({ body }, offset) => (isRefused(body) ? [String(offset)] : []))
    expect(await column('SELECT log_offset FROM dead_letters ORDER BY log_offset')).toEqual(refused)
    expect(await column('SELECT log_offset FROM outcomes ORDER BY log_offset')).toEqual(refused)
  },
  120_000,
)
