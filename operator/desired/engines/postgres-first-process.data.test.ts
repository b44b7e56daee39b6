/** The start script of Postgres as process 1 of a container: what an exec leaves behind, and signals. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from '#tools/shell.ts'
import { ownerOf, type Pod, podsOf, soon } from './testing/postgres-pods.ts'

const kept = 'CREATE SCHEMA dataservice CREATE TABLE kept (value int)'

async function started(): Promise<{ pod: Pod; first: number }> {
  const [pod] = await podsOf(1, { isFirst: true })
  if (pod === undefined) throw new Error('one pod expected')
  await pod.start()
  await expect.poll(() => pod.sql(kept).then(() => true, String), soon).toBe(true)
  const children = await readFile(`/proc/${pod.pid}/task/${pod.pid}/children`, 'utf8')
  return { pod, first: Number(children.trim()) }
}

/** Its program and those that it began, as ids of this machine. */
async function family(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const below = children.split(' ').filter(Boolean).map(Number)
  return [pid, ...(await Promise.all(below.map(family))).flat()]
}

/** Holds a program of the start script as soon as it runs: it takes for ever. */
async function held(pod: Pod, name: string): Promise<void> {
  const namesOf = (pid: number) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  const isHeld = async () => {
    for (const pid of await family(pod.pid ?? 0))
      if ((await namesOf(pid)).trim() === name) return process.kill(pid, 'SIGSTOP')
    return false
  }
  await expect.poll(isHeld, { timeout: 60_000, interval: 5 }).toBe(true)
}

/** A pod whose start nobody waits for: it is to be cut off. */
async function endsInItsStart(pod: Pod, signal: NodeJS.Signals): Promise<void> {
  const [, first = 0] = await family(pod.pid ?? 0)
  process.kill(first, signal)
  await expect.poll(() => pod.pid, { timeout: 10_000, interval: 50 }).toBeUndefined()
}

const session = (pod: Pod): Promise<unknown[][]> => pod.sql('SELECT pg_postmaster_start_time()')

test('a process that an exec leaves behind, and that fails, ends no session', async () => {
  const { pod, first } = await started()
  const client = await pod.open(ownerOf)
  const inside = (script: string) => run('nsenter', ['--target', String(first), '--pid', 'sh', '-c', script])
  const script = `(trap 'exit 2' TERM; while :; do sleep 0.1; done) > /dev/null 2>&1 & echo $!`
  const orphan = (await inside(script)).trim()
  const isThere = () =>
    inside(`kill -0 ${orphan}`).then(
      () => true,
      () => false,
    )
  expect(await isThere()).toBe(true)
  await inside(`kill -TERM ${orphan}`)
  await expect.poll(isThere, soon).toBe(false)
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await client.end()
  expect(await pod.log()).not.toContain('terminating any other active server processes')
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends Postgres cleanly, and the container with it',
  async signal => {
    const { pod, first } = await started()
    expect(await session(pod)).toHaveLength(1)
    process.kill(first, signal)
    await expect.poll(() => pod.pid, soon).toBeUndefined()
    const [, last] = (await pod.log()).split('listening on IPv4 address')
    expect(last).toContain('database system is shut down')
  },
)

test.each([
  ['initdb', 'SIGTERM'],
  ['psql', 'SIGINT'],
] as const)(
  'while %s runs, %s ends the container, and the next start makes up for it',
  async (name, signal) => {
    const [pod] = await podsOf(1, { isFirst: true })
    if (pod === undefined) throw new Error('one pod expected')
    await pod.runsFirst('SELECT pg_sleep(600);')
    const start = pod.start().catch(String)
    await held(pod, name)
    await endsInItsStart(pod, signal)
    expect(await start).toContain('ended before it was ready')
    if (name === 'psql') expect(await pod.log()).toMatch(/database system is shut down$/m)
    await pod.runsFirst('')
    await pod.start()
    await expect.poll(() => pod.sql(kept).then(() => true, String), soon).toBe(true)
  },
)

test('a replica that copies, or waits for a primary to copy, ends when it is told to', async () => {
  const [primary, replica] = await podsOf(2, { isFirst: true })
  if (primary === undefined || replica === undefined) throw new Error('two pods expected')
  const alone = replica.start().catch(String)
  await expect.poll(() => replica.log(), soon).toContain('copying the primary')
  await endsInItsStart(replica, 'SIGTERM')
  expect(await alone).toContain('ended before it was ready')
  await primary.start()
  const copying = replica.start().catch(String)
  await held(replica, 'pg_basebackup')
  await endsInItsStart(replica, 'SIGTERM')
  expect(await copying).toContain('ended before it was ready')
  await replica.start()
  await expect.poll(() => replica.sql('SELECT pg_is_in_recovery()').catch(String), soon).toEqual([[true]])
})

test('a container that is killed leaves no process of Postgres behind', async () => {
  const { pod, first } = await started()
  const [[backend] = []] = await pod.sql('SELECT pg_backend_pid()')
  expect(Number(backend)).toBeGreaterThan(1)
  process.kill(first, 'SIGKILL')
  await expect.poll(() => pod.pid, soon).toBeUndefined()
  await expect(session(pod)).rejects.toThrow()
})
