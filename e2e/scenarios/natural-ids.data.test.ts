/** The whole path as processes for records that bring their id: the sample of earthquakes, posted again and again. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { earthquakeRecords, earthquakesManifest } from '#e2e/stack/earthquakes.ts'
import { postRecords } from '#e2e/stack/post.ts'
import { recordDeclaration } from '#operator/desired/settings-config-map.ts'
import { complaints, judge } from './oracle.ts'
import { allPages } from './pages.ts'
import { ready, roleStack } from './role-stack.ts'
import { settledIn } from './settled.ts'

async function sample(): Promise<DataService> {
  const documents = parseAllDocuments(await readFile(earthquakesManifest, 'utf8'))
  return documents.map(document => document.toJS()).find(({ kind }) => kind === 'DataService')
}

/** Records by outcome, as the writer counts them. */
function outcomesIn(metrics: string): Record<string, number> {
  const lines = metrics.matchAll(/^dataservice_writer_records_total\{outcome="([^"]+)"\} (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, outcome, count]) => [outcome, Number(count)]))
}

test('earthquakes posted twice, then some with other bytes: each stands once, as it came first', async () => {
  const { spec } = await sample()
  const world = await roleStack({
    record: recordDeclaration(spec.record),
    partitioning: { by: 'Hash', partitions: 8 },
  })
  const migrate = await world.start('migrate')
  expect(await migrate.exitCode, migrate.log()).toBe(0)
  const [gateway, writer, reader] = [
    await world.start('gateway'),
    await world.start('writer'),
    await world.start('reader'),
  ]
  await Promise.all([gateway, writer, reader].map(ready))

  const texts = await earthquakeRecords()
  const options = { url: world.gatewayUrl, batch: 200, concurrency: 2, patienceMs: 30_000 }
  const { acknowledged } = await postRecords(texts, options)
  expect([...acknowledged.keys()].toSorted()).toEqual(
    texts.map(text => (JSON.parse(text) as { id: string }).id).toSorted(),
  )
  await settledIn(30_000, async () =>
    expect(outcomesIn(await writer.metrics())).toEqual({ stored: texts.length }),
  )
  await postRecords(texts, options)
  await postRecords(
    texts.slice(0, 100).map(text => ` ${text.replace('{', '{ ')}`),
    options,
  )
  await settledIn(30_000, async () =>
    expect(outcomesIn(await writer.metrics())).toEqual({
      stored: texts.length,
      duplicate: texts.length,
      'id-conflict': 100,
    }),
  )
  const stored = await allPages(world.gatewayUrl, '/data?limit=500')
  expect(complaints(await judge({ acknowledged, unknown: [], stored }))).toEqual([])
  const [first] = texts
  const { id } = JSON.parse(first ?? '') as { id: string }
  const answer = await fetch(`${world.gatewayUrl}/data/${id}`)
  expect(await answer.text()).toContain(`"record":${first}}`)
  const byNet = await allPages(world.gatewayUrl, '/data?properties.net=us&properties.mag[gte]=4')
  expect(byNet.length).toBe(
    texts.filter(text => /"mag":[4-9]/.test(text) && text.includes('"net":"us"')).length,
  )

  const maintain = await world.start('maintain')
  expect(await maintain.exitCode, maintain.log()).toBe(0)
  expect(maintain.log()).toContain('partitions by hash need no maintenance')
}, 120_000)
