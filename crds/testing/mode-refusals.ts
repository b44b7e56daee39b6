/** What the CRD refuses about the mode of records. */
import type { Refusal } from './caller-refusals.ts'

const record = { schema: { type: 'object' } }

export const modeRefusals: Record<string, Refusal> = {
  'a mode that there is not': {
    spec: { record: { ...record, mode: 'Replace' } },
    says: 'supported values: "Append", "Upsert"',
  },
  'another mode': {
    before: { record },
    spec: { record: { mode: 'Upsert' } },
    says: 'record.mode cannot change',
  },
  'a key of records that change': {
    spec: { record: { ...record, mode: 'Upsert', key: '/a' } },
    says: 'record.key cannot stand with mode Upsert',
  },
  'records that wait for a key there is not': {
    spec: { record, writer: { onError: 'HoldKey' } },
    says: 'without record.key or mode Upsert every record has its own: leave writer.onError out',
  },
  'records that wait for an id that comes once': {
    spec: { record: { ...record, id: '/a' }, writer: { onError: 'HoldKey' } },
    says: 'without record.key or mode Upsert every record has its own: leave writer.onError out',
  },
  'records that change cut by time': {
    spec: { record: { ...record, mode: 'Upsert' }, postgres: { partitioning: { by: 'Time' } } },
    says: 'mode Upsert the id of a record carries no time',
  },
}

/** Records of one key must stay in one partition of the topic. */
export const growthRefusals: Record<string, Refusal> = Object.fromEntries(
  Object.entries({
    'by a key': { key: '/a' },
    'by ids of their own': { id: '/a' },
    'that change': { mode: 'Upsert' },
  }).map(([name, order]): [string, Refusal] => {
    const spec = (partitions: number) => ({
      record: { ...record, ...order },
      kafka: { topic: { partitions } },
    })
    const says = 'kafka.topic.partitions cannot grow where records are ordered by a key'
    return [`more partitions of records ${name}`, { before: spec(6), spec: spec(12), says }]
  }),
)
