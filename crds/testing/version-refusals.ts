/** What the CRD refuses about the versions of records. */
import type { Refusal } from './caller-refusals.ts'

const schema = { type: 'object' }
const versions = (...list: object[]) => ({ spec: { record: { versions: list } } })
const v1 = { name: 'v1', schema }
const upgraded = (...upgrade: object[]) => versions(v1, { name: 'v2', schema, upgrade })

export const versionRefusals: Record<string, Refusal> = {
  'neither a schema nor versions': { spec: { record: {} }, says: 'either one schema or several versions' },
  'a schema beside versions': {
    spec: { record: { schema, versions: [v1] } },
    says: 'either one schema or several versions',
  },
  'a list without a version': { ...versions(), says: 'should have at least 1 items' },
  'more than sixteen versions': {
    ...versions(...Array.from({ length: 17 }, (_, n) => ({ name: `v${n}`, schema }))),
    says: 'must have at most 16 items',
  },
  'two versions of one name': { ...versions(v1, v1), says: 'two versions have one name' },
  'a version without a name': { ...versions({ schema }), says: 'name' },
  'a name with a capital': { ...versions({ name: 'V1', schema }), says: 'should match' },
  'a name like a hash': { ...versions({ name: 'deadbeef', schema }), says: 'eight hex digits' },
  'an upgrade to the first version': {
    ...versions({ ...v1, upgrade: [{ op: 'remove', path: '/a' }] }),
    says: 'nothing comes before the first version',
  },
  'a step that there is not': { ...upgraded({ op: 'rename', path: '/a' }), says: 'supported values' },
  'a move from nowhere': { ...upgraded({ op: 'move', path: '/a' }), says: 'move and copy need from' },
  'a default from somewhere': {
    ...upgraded({ op: 'default', from: '/b', path: '/a', value: 1 }),
    says: 'move and copy need from',
  },
  'a step to no pointer': { ...upgraded({ op: 'remove', path: 'a' }), says: 'path' },
}
