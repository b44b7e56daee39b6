/** Roles of two schema versions side by side, as every rollout has them. */
import { expect, test } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { attempt } from '#e2e/stack/post.ts'
import { complaints, judge } from './oracle.ts'
import { type RoleStack, ready, roleStack } from './role-stack.ts'
import { settledIn } from './settled.ts'

const customer = { type: 'string', maxLength: 64 }
const schema = (field: string) => ({
  type: 'object',
  required: ['customer', field],
  properties: { customer, [field]: { type: 'number' } },
})
const v1 = { name: 'v1', schema: schema('amount') }
const v2 = {
  name: 'v2',
  schema: schema('total'),
  upgrade: [{ op: 'move' as const, from: '/amount', path: '/total' }],
}
const recordOf = (...versions: [...(typeof v1)[], typeof v1 | typeof v2]): Settings['record'] => ({
  schema: versions.at(-1)?.schema ?? {},
  versions,
  key: '/customer',
  indexes: [],
})
const old = (number: number) => `{"customer":"c${number % 20}","amount":${number}e0}`
const now = (number: number) => `{"customer":"c${number % 20}", "total":${number}e0}`

async function migrate(stack: RoleStack, settings: Settings): Promise<void> {
  const job = await stack.start('migrate', { settings })
  expect(await job.exitCode, job.log()).toBe(0)
}

async function rows(stack: RoleStack, text: string): Promise<(string | null)[][]> {
  const owner = stack.database.open('owner')
  const { rows: found } = await owner.query(text).finally(() => owner.close())
  return found.map(row => [...row])
}

/** Posts so many records at once, all of which must be accepted. */
function poster() {
  const acknowledged = new Map<string, string>()
  let next = 0
  return {
    acknowledged,
    async post(url: string, text: (number: number) => string, headers: Record<string, string> = {}) {
      const texts = Array.from({ length: 200 }, () => text(next++))
      const { status, accepted, reason } = await attempt(texts, url, headers)
      expect([status, accepted.size], reason).toEqual([202, texts.length])
      for (const [index, id] of accepted) acknowledged.set(id, texts[index] ?? '')
    },
  }
}

test('old gateways with new writers, and new gateways with old writers: all is accepted, and stored once', async () => {
  const stack = await roleStack({ record: recordOf(v1) })
  const [before, after] = [stack.settings, { ...stack.settings, record: recordOf(v1, v2) }]
  await migrate(stack, before)
  const oldWriter = await stack.start('writer')
  await ready(oldWriter)
  const oldReader = await stack.start('reader')
  await ready(await stack.start('gateway'))
  const oldUrl = stack.gatewayUrl
  const { acknowledged, post } = poster()
  const stored = async () => {
    const all = (await rows(stack, 'SELECT id, body FROM records')).map(([id, text]) => ({
      id: id ?? '',
      text: text ?? '',
    }))
    return complaints(await judge({ acknowledged, unknown: [], stored: all }))
  }
  await post(oldUrl, old)
  await settledIn(30_000, async () => expect(await stored()).toEqual([]))

  // The order of a rollout is not kept: gateways come first, and the writer meets what it does not know.
  await migrate(stack, after)
  const newUrl = `http://127.0.0.1:${await freePort()}`
  const newGateway = await stack.start('gateway', { settings: after, httpPort: Number(new URL(newUrl).port) })
  await ready(newGateway)
  await post(newUrl, now)
  await post(newUrl, old, { 'schema-version': 'v1' })
  await post(oldUrl, old)
  await settledIn(30_000, async () =>
    expect(await oldWriter.metrics()).toMatch(/partition_stopped\{[^}]*SchemaVersionUnknown"\} 1/),
  )
  expect(await oldWriter.readiness()).toBe(503)
  const unknown = await rows(stack, `SELECT count(*) FROM records WHERE schema_version = 'v2'`)
  expect(unknown).toEqual([['0']])

  // With a writer of the new version all goes on, whoever has which partition.
  const newWriter = await stack.start('writer', { settings: after })
  await ready(newWriter)
  await post(oldUrl, old, { 'schema-version': 'v1' })
  await post(newUrl, now)
  oldWriter.signal('SIGTERM')
  expect(await oldWriter.exitCode, oldWriter.log()).toBe(0)
  await settledIn(60_000, async () => expect(await stored()).toEqual([]))
  expect(await rows(stack, 'SELECT schema_version, count(*) FROM records GROUP BY 1 ORDER BY 1')).toEqual([
    ['v1', '800'],
    ['v2', '400'],
  ])
  expect(await rows(stack, 'SELECT count(*) FROM dead_letters')).toEqual([['0']])

  // The reader of before shows all as it came; that of the new version, in its form, also to an old gateway.
  const [first = ''] = acknowledged.keys()
  const shown = async () => (await fetch(`${oldUrl}/data/${first}?fields=customer,amount,total`)).json()
  expect(await shown()).toMatchObject({ schemaVersion: 'v1', record: { amount: 0 } })
  oldReader.signal('SIGTERM')
  await oldReader.exitCode
  await ready(await stack.start('reader', { settings: after }))
  await settledIn(30_000, async () =>
    expect(await shown()).toMatchObject({ schemaVersion: 'v2', record: { total: 0 } }),
  )
  const versionsTold = async (url: string) => {
    const page = (await (await fetch(`${url}/data/changes?after=start&limit=1000`)).json()) as {
      items: { schemaVersion: string; record: object }[]
    }
    return new Set(page.items.map(({ schemaVersion, record }) => `${schemaVersion} ${Object.keys(record)}`))
  }
  expect(await versionsTold(newUrl)).toEqual(new Set(['v2 customer,total']))
  expect(await versionsTold(oldUrl)).toEqual(new Set(['v1 customer,amount', 'v2 customer,total']))
})
