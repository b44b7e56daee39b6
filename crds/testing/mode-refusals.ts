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
  'records that change cut by time': {
    spec: { record: { ...record, mode: 'Upsert' }, postgres: { partitioning: { by: 'Time' } } },
    says: 'mode Upsert the id of a record carries no time',
  },
}
