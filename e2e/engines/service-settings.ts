/** Settings of a small service for tests, and its record declaration as judged at start. */

import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import type { Settings } from '#dataservice/contract/settings.ts'

export const testRecord = {
  schema: {
    type: 'object',
    required: ['customer', 'amount'],
    properties: {
      customer: { type: 'string', maxLength: 64 },
      amount: { type: 'number' },
      quantity: { type: 'integer' },
      paid: { type: 'boolean' },
      address: { type: 'object', properties: { city: { type: 'string', maxLength: 64 } } },
    },
  },
  key: '/customer',
  indexes: [
    { fields: ['/customer'] },
    { fields: ['/paid', '/amount'] },
    { fields: ['/address/city', '/quantity'] },
  ],
} satisfies Settings['record']

/** Changes of the test settings for a service whose records change. */
export const changing = {
  record: { schema: testRecord.schema, indexes: testRecord.indexes },
  partitioning: {
    by: 'Hash',
    partitions: 4,
    history: { by: 'Time', interval: 'Day', premake: 1 },
  },
} satisfies Partial<Settings>

/** The same for a service whose records bring their id. */
export const naturalIds = {
  record: {
    ...testRecord,
    schema: {
      ...testRecord.schema,
      required: [...testRecord.schema.required, 'number'],
      properties: { ...testRecord.schema.properties, number: { type: 'string', maxLength: 200 } },
    },
    id: '/number',
  },
  partitioning: { by: 'Hash', partitions: 4 },
} satisfies Partial<Settings>

const nowhere = { host: '127.0.0.1', port: 1 }

/** For a gateway alone: it never asks Postgres. */
export const noStore = {
  primary: nowhere,
  replica: nowhere,
  database: 'none',
  schema: 'none',
  users: { owner: 'none', writer: 'none', reader: 'none' },
  poolSize: { writer: 1, reader: 1 },
} satisfies Settings['store']

/** Settings over a database; the log, cache and reader are named but need not exist. */
export function testSettings(store: Settings['store'], changes: Partial<Settings> = {}): Settings {
  return {
    namespace: 'shop',
    name: 'orders',
    record: testRecord,
    log: {
      brokers: ['127.0.0.1:1'],
      eventsTopic: 'shop.orders.events',
      deadLettersTopic: 'shop.orders.dead-letters',
      group: 'shop.orders.writer',
      partitions: 3,
      retentionMs: 604_800_000,
    },
    store,
    partitioning: { by: 'Time', interval: 'Day', premake: 3 },
    cache: { host: '127.0.0.1', port: 1, ttlSeconds: 60 },
    reader: { url: 'http://127.0.0.1:1' },
    ...changes,
  }
}

/** A declaration, judged; by default that of `testRecord`. */
export function acceptedRecord(record: Settings['record'] = testRecord): AcceptedRecord {
  const verdict = judgeRecord(record)
  if (verdict.kind === 'refused') throw new Error(verdict.problems.map(problem => problem.message).join('; '))
  return verdict.record
}
