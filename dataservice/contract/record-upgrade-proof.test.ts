/** An upgrade that is let pass makes a valid record of the next version out of every record of the one before. */
import { expect, test } from 'vitest'
import { upgrader } from '../record/upgrade.ts'
import type { UpgradeStep } from './record-declaration.ts'
import { judgeRecord } from './record-schema.ts'
import { judgeUpgrade } from './record-upgrade.ts'

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const names = ['a', 'b', 'c']
const scalars = { string: 'x', number: 1.5, boolean: true, null: null } as const
type Scalar = keyof typeof scalars
const kinds = Object.keys(scalars) as Scalar[]

interface ObjectSchema {
  type: 'object'
  required: string[]
  properties: Record<string, ObjectSchema | { type: Scalar | Scalar[] }>
  additionalProperties?: false
}

class World {
  readonly #random: () => number
  constructor(seed: number) {
    this.#random = numbers(seed)
  }

  is(probability: number): boolean {
    return this.#random() < probability
  }

  one<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T
  }

  schema(depth = 0): ObjectSchema {
    const own = names.filter(() => this.is(0.6))
    const properties = Object.fromEntries(
      own.map(name => [name, depth < 1 && this.is(0.4) ? this.schema(depth + 1) : { type: this.types() }]),
    )
    const required = own.filter(() => this.is(0.5))
    return {
      type: 'object',
      required,
      properties,
      ...(this.is(0.6) && { additionalProperties: false as const }),
    }
  }

  types(): Scalar | Scalar[] {
    return this.is(0.8)
      ? this.one(kinds)
      : [this.one(kinds), this.one(kinds)].filter((each, at, all) => all.indexOf(each) === at)
  }

  pointer(): string {
    return this.is(0.5) ? `/${this.one(names)}` : `/${this.one(names)}/${this.one(names)}`
  }

  step(): UpgradeStep {
    const [op, path] = [this.one(['move', 'copy', 'remove', 'default'] as const), this.pointer()]
    if (op === 'remove') return { op, path }
    if (op === 'default') return { op, path, value: this.one(['x', 1.5, true, { a: 'x' }]) }
    return { op, from: this.pointer(), path }
  }

  record({ properties, required }: ObjectSchema): object {
    return Object.fromEntries(
      Object.entries(properties)
        .filter(([name]) => required.includes(name) || this.is(0.5))
        .map(([name, schema]) => [name, this.value(schema)]),
    )
  }

  value(schema: ObjectSchema['properties'][string]): unknown {
    if ('properties' in schema) return this.record(schema)
    return scalars[this.one([schema.type].flat())]
  }
}

/** The next version is often what the steps lead to, so that enough of them are let pass. */
function wished(world: World, before: ObjectSchema, steps: readonly UpgradeStep[]): ObjectSchema {
  const lifted: object = JSON.parse(
    upgrader(steps)(JSON.stringify(world.record({ ...before, required: [...names] }))),
  )
  return schemaOf(world, lifted)
}

function schemaOf(world: World, record: object): ObjectSchema {
  const properties = Object.fromEntries(
    Object.entries(record).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'object' && value !== null
        ? schemaOf(world, value)
        : { type: value === null ? ('null' as const) : (typeof value as Scalar) },
    ]),
  )
  const required = Object.keys(properties).filter(() => world.is(0.5))
  return {
    type: 'object',
    required,
    properties,
    ...(world.is(0.4) && { additionalProperties: false as const }),
  }
}

test('whatever the schemas, the steps and the record', () => {
  let passed = 0
  for (let seed = 1; seed <= 20_000 && passed < 400; seed++) {
    const world = new World(seed)
    const steps = Array.from({ length: Math.floor(1 + 3 * Number(world.is(0.5))) }, () => world.step())
    const before = world.schema()
    const after = world.is(0.7) ? wished(world, before, steps) : world.schema()
    const versions = {
      before: { name: 'v1', schema: { ...before } },
      after: { name: 'v2', schema: { ...after }, upgrade: steps },
    }
    if (judgeUpgrade({ ...versions, kept: [], pointer: '' }).length > 0) continue
    const verdict = judgeRecord({ schema: { ...after }, indexes: [] })
    if (verdict.kind === 'refused') throw new Error(JSON.stringify(verdict.problems))
    passed += 1
    const lift = upgrader(steps)
    for (let round = 0; round < 20; round++) {
      const record = world.record(before)
      const lifted: unknown = JSON.parse(lift(JSON.stringify(record)))
      expect(
        verdict.record.check(lifted),
        JSON.stringify({ seed, before, after, steps, record, lifted }),
      ).toBeUndefined()
    }
  }
  expect(passed).toBe(400)
})
