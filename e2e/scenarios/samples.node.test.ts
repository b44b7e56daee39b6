/** Both samples with their default sizes, side by side in two namespaces. */
import { expect, test } from 'vitest'
import { earthquakeRecords, earthquakes } from '#e2e/stack/earthquakes.ts'
import { postRecords } from '#e2e/stack/post.ts'
import { sql } from '#e2e/stack/service.ts'
import { settledIn } from './settled.ts'
import { cluster, gatewayUrl } from './stack.ts'

test('kubectl get shows both as ready', async () => {
  await settledIn(30_000, async () => {
    const table = await (await cluster()).kubectl(['get', 'dsvc', '--all-namespaces'])
    expect(table).toMatch(/NAMESPACE\s+NAME\s+READY\s+REPLICAS\s+REASON\s+AGE/)
    expect(table).toMatch(/demo\s+flights\s+True\s+\d+\s+Ready/)
    expect(table).toMatch(/geology\s+earthquakes\s+True\s+\d+\s+Ready/)
  })
})

test('a week of earthquakes that is posted twice is stored once', async () => {
  const kubernetes = await cluster()
  const records = await earthquakeRecords()
  const ids = new Set(records.map(text => (JSON.parse(text) as { id: string }).id))
  const options = { url: gatewayUrl('earthquakes'), batch: 250, concurrency: 2, patienceMs: 60_000 }
  for (let time = 1; time <= 2; time++) {
    const { acknowledged } = await postRecords(records, options)
    expect(new Set(acknowledged.keys())).toEqual(ids)
    await settledIn(60_000, async () => {
      const offsets = await sql(kubernetes, earthquakes, 'SELECT sum(next_offset) FROM ingest_offsets')
      expect(Number(offsets)).toBeGreaterThanOrEqual(time * records.length)
    })
    expect(await sql(kubernetes, earthquakes, 'SELECT count(*), count(DISTINCT id) FROM records')).toBe(
      `${ids.size}|${ids.size}\n`,
    )
  }
})
