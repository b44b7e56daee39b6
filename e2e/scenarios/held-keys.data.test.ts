/** `writer.onError: HoldKey` through all roles, as a client sees it. */
import { expect, test } from 'vitest'
import { ready, roleStack } from './role-stack.ts'
import { settledIn } from './settled.ts'

/** Accepted by the schema, and refused by a rule in the database. */
const refuseBelowZero = `CREATE FUNCTION refuse_some() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF (NEW.body ->> 'amount')::numeric < 0 THEN RAISE 'not this one' USING ERRCODE = '22023'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse_some BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION refuse_some()`

test('a record behind a refused one of its key is held, until its dead letter blocks no more', async () => {
  const stack = await roleStack({ onError: 'HoldKey' })
  const job = await stack.start('migrate')
  expect(await job.exitCode, job.log()).toBe(0)
  const owner = stack.database.open('owner')
  const writer = await stack.start('writer')
  const gateway = await stack.start('gateway')
  await Promise.all([ready(writer), ready(await stack.start('reader')), ready(gateway)])
  await owner.query(refuseBelowZero)
  const post = async (customer: string, amount: number) => {
    const headers = { 'content-type': 'application/json', prefer: 'wait=30' }
    const body = JSON.stringify({ customer, amount })
    const answer = await fetch(`${stack.gatewayUrl}/data`, { method: 'POST', headers, body })
    const told: { id?: string; status?: unknown } = Object(await answer.json())
    return { ...told, code: answer.status }
  }
  const get = async (path: string) => (await fetch(`${stack.gatewayUrl}${path}`)).json()

  expect((await post('a', 1)).code).toBe(201)
  expect((await post('a', -1)).code).toBe(422)
  const held = await post('a', 2)
  expect(held).toMatchObject({ code: 202, status: 'held' })
  expect((await post('b', 3)).code).toBe(201)
  expect(await get(`/data/${held.id}/status`)).toMatchObject({ status: 'held' })
  await settledIn(30_000, async () =>
    expect(await writer.metrics()).toMatch(/writer_held_keys\{partition="\d"\} 1/),
  )

  await owner.query('UPDATE dead_letters SET blocks = false').finally(() => owner.close())
  await settledIn(30_000, async () =>
    expect(await get(`/data/${held.id}/status`)).toEqual({ id: held.id, status: 'stored' }),
  )
  expect(await get(`/data/${held.id}`)).toMatchObject({ record: { customer: 'a', amount: 2 } })
  expect((await post('a', 4)).code).toBe(201)
})
