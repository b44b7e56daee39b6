import { describe, expect, test } from 'vitest'
import type { DeclaredVersion, RecordDeclaration, UpgradeStep } from './record-declaration.ts'
import { judgeChange } from './record-evolution.ts'
import { judgeRecord } from './record-schema.ts'

const text = { type: 'string', maxLength: 32 }
const object = (properties: object, required: readonly string[] = [], more: object = {}) => ({
  type: 'object',
  required,
  properties,
  ...more,
})

const v1 = object({ customer: text, amount: { type: 'number' }, city: text, note: text }, [
  'customer',
  'amount',
])
const place = object({ city: text, country: text }, ['country'])
const v2 = object({ customer: text, total: { type: 'number' }, address: place, note: text }, [
  'customer',
  'total',
  'address',
])
const upgrade: readonly UpgradeStep[] = [
  { op: 'move', from: '/amount', path: '/total' },
  { op: 'move', from: '/city', path: '/address/city' },
  { op: 'default', path: '/address/country', value: 'DE' },
]

const declare = (
  versions: readonly DeclaredVersion[],
  more: Partial<RecordDeclaration> = {},
): RecordDeclaration => ({
  schema: versions.at(-1)?.schema ?? {},
  versions,
  indexes: [{ fields: ['/customer'] }],
  ...more,
})
const both = (changes: Partial<DeclaredVersion> = {}, before: object = v1): RecordDeclaration =>
  declare([
    { name: 'v1', schema: { ...before } },
    { name: 'v2', schema: v2, upgrade, ...changes },
  ])

function problems(declaration: RecordDeclaration): string[] {
  const verdict = judgeRecord(declaration)
  return verdict.kind === 'accepted'
    ? []
    : verdict.problems.map(({ pointer, message }) => `${pointer}: ${message}`)
}

test('versions are judged by themselves; the newest is the default', () => {
  const verdict = judgeRecord(both())
  if (verdict.kind === 'refused') throw new Error(JSON.stringify(verdict.problems))
  const { record } = verdict
  expect([record.schemaVersion, record.versions.map(({ name }) => name)]).toEqual(['v2', ['v1', 'v2']])
  const old = { customer: 'a', amount: 1 }
  const now = { customer: 'a', total: 1, address: { country: 'DE' } }
  const [first] = record.versions
  expect([record.check(now), first?.check(old)]).toEqual([undefined, undefined])
  expect([record.check(old)?.pointer, first?.check(now)?.pointer]).toEqual(['', ''])
})

test('a schema without a version is the only one, under its hash', () => {
  const verdict = judgeRecord({ schema: v1, indexes: [] })
  expect(verdict).toMatchObject({
    kind: 'accepted',
    record: { versions: [{ name: expect.stringMatching(/^[0-9a-f]{8}$/), upgrade: [] }] },
  })
})

const without = (op: string, path: string) => upgrade.filter(step => !(step.op === op && step.path === path))

describe('what stands against an upgrade', () => {
  test.each<[string, RecordDeclaration, string, string]>([
    [
      'a required field that nothing makes',
      both({ upgrade: without('default', '/address/country') }),
      '/versions/1/upgrade',
      'without /address/country',
    ],
    [
      'a required field that moves from an optional one',
      both({}, { ...v1, required: ['customer'] }),
      '/versions/1/upgrade',
      'without /total',
    ],
    [
      'a field that the version before does not have',
      both({ upgrade: [...upgrade, { op: 'remove', path: '/ammount' }] }),
      '/versions/1/upgrade/3/path',
      'have no /ammount',
    ],
    [
      'a field that is gone by then',
      both({ upgrade: [...upgrade, { op: 'copy', from: '/amount', path: '/old' }] }),
      '/versions/1/upgrade/3/from',
      'have no /amount',
    ],
    [
      'a place that is taken',
      both({ upgrade: [{ op: 'move', from: '/amount', path: '/note' }] }),
      '/versions/1/upgrade/0/path',
      'is there already',
    ],
    [
      'another type',
      both({ upgrade: [{ op: 'move', from: '/city', path: '/total' }, ...upgrade.slice(2)] }),
      '/versions/1/upgrade',
      '/total may be string in records of version v1 and only number in this one',
    ],
    [
      'a default of another type',
      both({ upgrade: [...upgrade, { op: 'default', path: '/note', value: 1 }] }),
      '/versions/1/upgrade/3/value',
      'does not let this value in',
    ],
    [
      'a default that is not let in',
      both({
        schema: { ...v2, properties: { ...v2.properties, state: { enum: ['open'] } } },
        upgrade: [...upgrade, { op: 'default', path: '/state', value: 'opn' }],
      }),
      '/versions/1/upgrade/3/value',
      'does not let this value in',
    ],
    [
      'what a closed version does not let in',
      both({
        schema: { ...v2, additionalProperties: false },
        upgrade: upgrade.slice(1).concat({ op: 'copy', from: '/amount', path: '/total' }),
      }),
      '/versions/1/upgrade',
      'may have /amount',
    ],
    [
      'an indexed field that moves',
      both({ upgrade: [...upgrade, { op: 'move', from: '/customer', path: '/buyer' }] }),
      '/versions/1/upgrade/3',
      'records are found by /customer',
    ],
    [
      'a step without from',
      both({ upgrade: [{ op: 'move', path: '/a' }] }),
      '/versions/1/upgrade/0',
      'move needs from',
    ],
    [
      'a default of null',
      both({ upgrade: [{ op: 'default', path: '/a', value: null }] }),
      '/versions/1/upgrade/0',
      'default needs a value',
    ],
    [
      'a field into itself',
      both({ upgrade: [{ op: 'move', from: '/city', path: '/city/name' }] }),
      '/versions/1/upgrade/0',
      'into itself',
    ],
    [
      'an object that a step may have to make, without what is required of it',
      both(
        {
          upgrade: without('default', '/address/country'),
          schema: { ...v2, required: ['customer', 'total'] },
        },
        object({ ...v1.properties, address: object({ country: text }, ['country']) }, v1.required),
      ),
      '/versions/1/upgrade',
      'without /address/country',
    ],
    [
      'steps before the first version',
      declare([{ name: 'v1', schema: v1, upgrade }]),
      '/versions/0/upgrade',
      'nothing comes before',
    ],
  ])('%s', (_, declaration, pointer, message) => {
    expect(problems(declaration)).toContainEqual(
      expect.stringMatching(new RegExp(`^${pointer}: .*${message.replaceAll('/', '\\/')}`)),
    )
  })
})

test.each<[string, RecordDeclaration, string]>([
  [
    'a schema that cannot be used',
    declare([
      { name: 'v1', schema: v1 },
      { name: 'v2', schema: { type: 'array' } },
    ]),
    '/versions/1/schema/type',
  ],
  [
    'an indexed field that one version lacks',
    declare(
      [
        { name: 'v1', schema: v1 },
        { name: 'v2', schema: v1 },
      ],
      { indexes: [{ fields: ['/nowhere'] }] },
    ),
    '/indexes/0/fields/0',
  ],
  [
    'an indexed field of two types',
    declare([
      { name: 'v1', schema: v1 },
      { name: 'v2', schema: { ...v1, properties: { ...v1.properties, customer: { type: 'integer' } } } },
    ]),
    '/indexes/0/fields/0',
  ],
  [
    'too much of it',
    declare(
      Array.from({ length: 16 }, (_, n) => ({
        name: `v${n}`,
        schema: { ...v1, description: 'x'.repeat(20_000) },
      })),
    ),
    '/versions',
  ],
])('refuses %s', (_, declaration, pointer) => {
  expect(problems(declaration)[0]).toMatch(new RegExp(`^${pointer}: `))
})

test('narrower bounds of a new version are its own matter', () => {
  const narrow = { ...v1, properties: { ...v1.properties, amount: { type: 'number', minimum: 0 } } }
  expect(
    problems(
      declare([
        { name: 'v1', schema: v1 },
        { name: 'v2', schema: narrow },
      ]),
    ),
  ).toEqual([])
})

test('a schema that refers to itself is compared to an end', () => {
  const tree = { ...object({ customer: text, next: { $ref: '#' } }, ['customer']) }
  expect(
    problems(
      declare([
        { name: 'v1', schema: tree },
        { name: 'v2', schema: { ...tree, title: 'b' } },
      ]),
    ),
  ).toEqual([])
})

describe('versions over time', () => {
  const one = declare([{ name: 'v1', schema: v1 }])
  const unnamed: RecordDeclaration = { schema: v1, indexes: [{ fields: ['/customer'] }] }
  const wider = { ...v1, properties: { ...v1.properties, tag: text } }

  test.each<[string, RecordDeclaration, RecordDeclaration]>([
    ['a schema gets a name', unnamed, one],
    ['a schema becomes the first of two versions', unnamed, both()],
    ['a version is added', one, both()],
    ['an older version lets in more', both(), both({}, wider)],
  ])('%s', (_, before, after) => {
    expect([problems(before), problems(after), judgeChange(before, after)]).toEqual([[], [], []])
  })

  test.each<[string, RecordDeclaration, RecordDeclaration, string]>([
    ['the newest version goes', both(), one, '/versions/1'],
    ['the oldest version goes', both(), declare([{ name: 'v2', schema: v2 }]), '/versions/0'],
    ['a version has another name', one, declare([{ name: 'w1', schema: v1 }]), '/versions/0'],
    ['versions go back to one schema', one, unnamed, '/schema'],
    [
      'an older version lets in less',
      both({}, wider),
      both({}, { ...v1, additionalProperties: false }),
      '/versions/0/schema/additionalProperties',
    ],
    [
      'the first version lets in less than the schema before',
      unnamed,
      declare([{ name: 'v1', schema: { ...v1, additionalProperties: false } }]),
      '/versions/0/schema/additionalProperties',
    ],
    [
      'an upgrade is another',
      both(),
      both({ upgrade: [...upgrade.slice(0, 2), { op: 'default', path: '/address/country', value: 'AT' }] }),
      '/versions/1/upgrade',
    ],
  ])('%s: refused', (_, before, after, pointer) => {
    expect([problems(before), problems(after)]).toEqual([[], []])
    expect(judgeChange(before, after).map(problem => problem.pointer)).toContain(pointer)
  })
})
