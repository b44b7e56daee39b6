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

const session = (pod: Pod): Promise<unknown[][]> => pod.sql('SELECT pg_postmaster_start_time()')

test('a process that an exec leaves behind, and that fails, ends no session', async () => {
  const { pod, first } = await started()
  const client = await pod.open(ownerOf)
  const inside = (script: string) => run('nsenter', ['--target', String(first), '--pid', 'sh', '-c', script])
  const orphan = (await inside('(sleep 1; exit 2) > /dev/null 2>&1 & echo $!')).trim()
  const isThere = () =>
    inside(`kill -0 ${orphan}`).then(
      () => true,
      () => false,
    )
  expect(await isThere()).toBe(true)
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
    expect((await pod.log()).trimEnd()).toMatch(/database system is shut down$/)
  },
)

test('a container that is killed leaves no process of Postgres behind', async () => {
  const { pod, first } = await started()
  const [[backend] = []] = await pod.sql('SELECT pg_backend_pid()')
  expect(Number(backend)).toBeGreaterThan(1)
  process.kill(first, 'SIGKILL')
  await expect.poll(() => pod.pid, soon).toBeUndefined()
  await expect(session(pod)).rejects.toThrow()
})
