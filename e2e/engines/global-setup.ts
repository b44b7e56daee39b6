/** One broker, one Postgres and one Redis for all `data` tests: started before the first, gone after the last. */
import type { TestProject } from 'vitest/node'
import type { EngineAddresses } from './inject.ts'
import { startKafka } from './kafka.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'

/** Called by vitest; answers the function that ends the engines. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using started = new AsyncDisposableStack()
  const removedLater = <Engine extends { remove(): Promise<void> }>(engine: Engine): Engine =>
    started.adopt(engine, each => each.remove())
  const [kafka, postgres, redis] = await Promise.all([
    startKafka({ brokers: 1 }).then(removedLater),
    startPostgres({ settings: { max_connections: '300' } }).then(removedLater),
    startRedis().then(removedLater),
  ])
  const addresses: EngineAddresses = {
    kafka: { bootstrapServers: kafka.bootstrapServers },
    postgres: postgres.address,
    redis: { host: redis.host, port: redis.port, answerMs: 2_000 },
  }
  project.provide('engines', addresses)
  const running = started.move()
  return () => running.disposeAsync()
}
