/** Awake again, decided and told, part by part. */
import { describe, expect, test } from 'vitest'
import { ofClass } from '#operator/testing/class.ts'
import { asleep, kept, type Moment, seen } from '#operator/testing/moments.ts'

const redisOfOthers = ofClass({ redis: { external: { host: 'cache.test', port: 6379 } } })

describe('awake again', () => {
  const spec = { lifecycle: 'Running' }
  const rows: [string, Moment, string[]][] = [
    ['Kafka first', { wanted: asleep }, ['apply StatefulSet orders-kafka 1']],
    [
      'Postgres when Kafka is ready',
      { wanted: { ...asleep, kafka: 1 } },
      ['apply StatefulSet orders-postgres 1'],
    ],
    ['nobody before', { wanted: { ...asleep, kafka: 1 }, unready: ['kafka'] }, []],
    ['Redis', { wanted: { ...asleep, kafka: 1, postgres: 1 } }, ['apply StatefulSet orders-redis 1']],
    [
      'the reader, when others run Redis',
      { wanted: { ...asleep, kafka: 1, postgres: 1 }, choice: redisOfOthers },
      ['scale orders-reader 3'],
    ],
    [
      'the reader with its number',
      { wanted: { gateway: 0, writer: 0, reader: 0 }, kept: { ...kept, reader: 7 } },
      ['scale orders-reader 7'],
    ],
    [
      'the writer with its number',
      { wanted: { gateway: 0, writer: 0 }, kept: { gateway: 3, writer: 5 } },
      ['scale orders-writer 5'],
    ],
    [
      'not while the reader is not ready',
      { wanted: { gateway: 0, writer: 0 }, unready: ['reader'], kept: { gateway: 3, writer: 5 } },
      [],
    ],
    ['the gateway last', { wanted: { gateway: 0 }, kept: { gateway: 3 } }, ['scale orders-gateway 3']],
    [
      'not before it is known that the writer has pods again',
      { wanted: { gateway: 0 }, kept: { gateway: 3, writer: 2 } },
      [],
    ],
    [
      'with what was asked for meanwhile',
      { spec: { ...spec, replicas: 5 }, wanted: { gateway: 0 }, kept: { gateway: 3 } },
      ['scale orders-gateway 5'],
    ],
    [
      'a user’s own 0 stays',
      { spec: { ...spec, replicas: 0 }, wanted: { gateway: 0 }, kept: { gateway: 3 } },
      [],
    ],
    [
      'a writer that was at 0 stays there and stops nobody',
      { wanted: { gateway: 0, writer: 0 }, kept: { gateway: 3 } },
      ['scale orders-gateway 3'],
    ],
  ]
  test.each(rows)('%s', (_, moment, steps) => {
    const found = seen({ spec, kept, ...moment })
    const about = found.steps.filter(step => /^scale|StatefulSet/.test(step))
    expect(about).toEqual(steps)
  })

  test('what has pods again is not kept any longer', () => {
    expect(seen({ spec, kept }).kept).toBeUndefined()
    expect(seen({ spec, kept, wanted: { gateway: 0 } }).kept).toEqual({ gateway: 3 })
  })

  test('a record that cannot be used does not keep the old one asleep', () => {
    const refused = { ...spec, record: { indexes: [{ fields: ['/nowhere'] }] } }
    const found = seen({ spec: refused, kept, wanted: { gateway: 0, writer: 0, reader: 0 } })
    expect(found.steps).toContain('scale orders-reader 3')
  })
})
