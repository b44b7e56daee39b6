import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { bearer } from '#dataservice/platform/http/inner-key.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { guardCallers } from './callers/guard.ts'
import { probeLog, probeRoutes } from './probes.ts'
import { memoryLog } from './testing/memory-log.ts'

const authorization = bearer('ours')
const log = memoryLog({ partitions: 3 })

async function started(append?: () => Promise<void>) {
  const app = fastify()
  onTestFinished(() => app.close())
  app.setErrorHandler((error, _request, reply) =>
    reply.code(error instanceof Problem ? error.status : 500).send(''),
  )
  guardCallers(app, {
    authenticate: () => {
      throw new Problem('unauthenticated')
    },
    authorization: {},
  })
  const probes = { key: 'ours', log: append ? { append } : probeLog(async () => log) }
  probeRoutes(app, probes, {
    ask: async ({ path }) => ({ kind: 'answer', status: 200, headers: {}, body: Buffer.from(path) }),
    close: async () => {},
  })
  return app
}

test('a probe goes into the partition that is asked for, and what is stored comes from the reader', async () => {
  const app = await started()
  const posted = await app.inject({
    method: 'POST',
    url: '/probe?id=p-1&partition=7',
    headers: { authorization },
  })
  expect(posted.statusCode).toBe(202)
  expect(log.contents[1]?.map(({ key }) => String(key))).toEqual(['p-1'])
  const stored = await app.inject({ url: '/probe', headers: { authorization } })
  expect([stored.statusCode, stored.body]).toEqual([200, '/probe'])
})

test.each(['GET', 'POST'] as const)('for everybody else there is nothing: %s', async method => {
  const app = await started()
  for (const headers of [{}, { authorization: bearer('theirs') }])
    expect((await app.inject({ method, url: '/probe?id=x', headers })).statusCode).toBe(404)
})

test.each(['/probe', '/probe?id=', '/probe?id=a%20b', '/probe?id=a&partition=-1', '/probe?id=a&partition=x'])(
  'what is no probe is refused: %s',
  async url => {
    const app = await started()
    expect((await app.inject({ method: 'POST', url, headers: { authorization } })).statusCode).toBe(400)
  },
)

test('a log that cannot be opened is away, and is opened again by the next probe', async () => {
  let isAway = true
  const probes = probeLog(async () => {
    if (isAway) throw new Error('away')
    return log
  })
  await expect(probes.append('p', 0)).rejects.toMatchObject({ code: 'log-unavailable' })
  isAway = false
  await expect(probes.append('p', 0)).resolves.toBeUndefined()
})

test('a log that does not answer leaves it open', async () => {
  const never = probeLog(() => new Promise(() => {}), 10)
  await expect(never.append('p', 0)).rejects.toMatchObject({ code: 'outcome-unknown' })
})
