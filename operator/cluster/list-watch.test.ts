import { expect, test } from 'vitest'
import { listWatch } from './list-watch.ts'
import type { KubernetesObject } from './port.ts'
import { codeOf } from './testing/contract-objects.ts'
import { json, scriptedServer } from './testing/scripted-server.ts'
import { createTransport } from './transport.ts'

const bound = 10_000

/** A server with ConfigMaps of these sizes, and what its lists were asked: `LIMIT from CONTINUE`. */
async function serving(sizes: readonly number[]) {
  const items = sizes.map((size, index) => ({
    metadata: { name: `map-${index}` },
    data: { text: 'x'.repeat(size) },
  }))
  const server = await scriptedServer(({ query }, response) => {
    const begin = Number(query.continue ?? 0)
    const end = begin + Number(query.limit)
    const next = end < items.length ? { continue: String(end) } : {}
    json(response, { metadata: { resourceVersion: '7', ...next }, items: items.slice(begin, end) })
  })
  const transport = createTransport({ access: server.access, version: 'test', maxResponseBytes: bound })
  const asked = () => server.seen.map(({ query }) => `${query.limit} from ${query.continue ?? 'the start'}`)
  const source = listWatch<KubernetesObject>(transport, 'ConfigMap')
  return { source, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const namesOf = ({ items }: { items: KubernetesObject[] }) => items.map(({ metadata }) => metadata.name)

test('a page of more than an answer may have is asked for again with half as many, from the same place', async () => {
  const small = Array.from({ length: 30 }, () => 10)
  await using world = await serving([...small, 6_000, 6_000, 6_000])
  expect(namesOf(await world.source.list())).toEqual(Array.from({ length: 33 }, (_, index) => `map-${index}`))
  const first = ['250', '125', '62', '31'].map(limit => `${limit} from the start`)
  const others = ['31', '15', '7', '3', '1'].map(limit => `${limit} from 31`)
  expect(world.asked()).toEqual([...first, ...others, '1 from 32'])
})

test('the next list begins with as many as the first', async () => {
  await using world = await serving([6_000, 6_000])
  for (const _ of ['first', 'second']) expect(namesOf(await world.source.list())).toHaveLength(2)
  const once = ['250', '125', '62', '31', '15', '7', '3', '1'].map(limit => `${limit} from the start`)
  expect(world.asked()).toEqual([...once, '1 from 1', ...once, '1 from 1'])
})

test('one object that is too large by itself is an error: no fewer can be asked for', async () => {
  await using world = await serving([2 * bound])
  expect(await codeOf(world.source.list())).toBe('TooLarge')
})
