import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '#dataservice/platform/kafka/testing/topics.ts'
import { engines } from '#e2e/engines/inject.ts'
import { startRedis } from '#e2e/engines/redis.ts'
import { connectRedis } from './connection.ts'
import { openRateLimiter, type RateLimiter, type RateLimiterOptions } from './rate-limiter.ts'

async function open(options: Partial<RateLimiterOptions> = {}): Promise<RateLimiter> {
  const limiter = openRateLimiter({
    ...engines().redis,
    prefix: `${randomBytes(6).toString('hex')}:`,
    requests: 10,
    perMs: 60_000,
    log: pino({ level: 'silent' }),
    ...options,
  })
  onTestFinished(() => limiter.close())
  await until(async () => (await limiter.take('somebody else')).kind !== 'away')
  return limiter
}

test('the quota may come all at once, from two pods together, and then says when to come again', async () => {
  const prefix = `${randomBytes(6).toString('hex')}:`
  const pods = [await open({ prefix }), await open({ prefix })]
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => pods[index % 2]?.take('ann') ?? Promise.reject(new Error())),
  )
  const kinds = answers.map(({ kind }) => kind)
  expect([
    kinds.filter(kind => kind === 'allowed').length,
    kinds.filter(kind => kind === 'limited').length,
  ]).toEqual([10, 20])
  const remaining = answers.flatMap(answer => (answer.kind === 'allowed' ? [answer.remaining] : []))
  expect(remaining.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const limited = answers.find(answer => answer.kind === 'limited')
  expect(limited?.kind === 'limited' && limited.retryMs > 0 && limited.retryMs <= 6_000).toBe(true)
  expect((await pods[0]?.take('bob'))?.kind).toBe('allowed')
})

test('what was used comes back little by little', async () => {
  const limiter = await open({ requests: 10, perMs: 20_000 })
  let answer = await limiter.take('ann')
  await until(async () => {
    answer = await limiter.take('ann')
    return answer.kind === 'limited'
  })
  expect(answer.kind === 'limited' && answer.retryMs).toBeLessThanOrEqual(2_000)
  await until(async () => (await limiter.take('ann')).kind === 'allowed')
  expect((await limiter.take('ann')).kind).toBe('limited')
})

test('a clock of Redis that is set back limits nobody for longer than the quota takes to come back', async () => {
  const prefix = `${randomBytes(6).toString('hex')}:`
  const limiter = await open({ prefix, requests: 2, perMs: 60_000 })
  const redis = connectRedis(engines().redis)
  onTestFinished(() => redis.disconnect())
  await until(async () => redis.status === 'ready')
  // As it stands when the clock was an hour ahead of where it is now.
  await redis.set(`${prefix}ann`, String((Date.now() + 3_600_000) * 1_000), 'PX', 3_600_000)
  const kinds = [await limiter.take('ann'), await limiter.take('ann'), await limiter.take('ann')]
  expect(kinds.map(({ kind }) => kind)).toEqual(['allowed', 'allowed', 'limited'])
})

test('while Redis is away the answer says so at once, and limits are back when it is', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.remove())
  const limiter = await open({ host: redis.host, port: redis.port, answerMs: 80, requests: 1 })
  expect([(await limiter.take('ann')).kind, (await limiter.take('ann')).kind]).toEqual(['allowed', 'limited'])
  await redis.kill('SIGSTOP')
  const started = performance.now()
  for (let nth = 0; nth < 100; nth++) expect((await limiter.take('ann')).kind).toBe('away')
  expect(performance.now() - started).toBeLessThan(1_000)
  await redis.kill('SIGCONT')
  await until(async () => (await limiter.take('ann')).kind === 'limited')
})
