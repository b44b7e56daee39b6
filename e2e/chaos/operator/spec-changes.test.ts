import { expect, test } from 'vitest'
import { changed, changesOf } from './spec-changes.ts'

const schema = {
  type: 'object',
  properties: {
    replicas: { type: 'integer', minimum: 0, maximum: 50 },
    record: {
      type: 'object',
      properties: { schema: { type: 'object' }, mode: { type: 'string', enum: ['A', 'B'] } },
    },
  },
}

test('a number is tried at its bounds, beyond them, as a word and left out', () => {
  const values = changesOf(schema).flatMap(({ path, value }) => (path === 'replicas' ? [value] : []))
  expect(values).toEqual([undefined, -1, 0, 1, 25, 50, 51, 'a word'])
})

test('a word is tried with all that is allowed and with nonsense; what the API server cannot judge is left alone', () => {
  const changes = changesOf(schema)
  expect(changes).toContainEqual({ path: 'record.mode', value: 'Nonsense' })
  expect(changes.filter(({ path }) => path === 'record.schema')).toEqual([])
})

test('a change makes the objects on its way, and one that leaves out takes only itself', () => {
  expect(changed({}, { path: 'kafka.topic.partitions', value: 3 })).toEqual({
    kafka: { topic: { partitions: 3 } },
  })
  expect(changed({ a: { b: 1, c: 2 } }, { path: 'a.b', value: undefined })).toEqual({ a: { c: 2 } })
  expect(changed({ d: 1 }, { path: 'a.b', value: undefined })).toEqual({ d: 1 })
})
