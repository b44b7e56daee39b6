/** The gateway's app over a log in memory, driven by `inject`. */
import { generateKeySync, randomFillSync } from 'node:crypto'
import type { RouteOptions } from 'fastify'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'
import type { RecordDeclaration } from '#dataservice/contract/record-declaration.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import { assetReader, docsFolder } from '#dataservice/platform/http/docs-assets.ts'
import { makeServer } from '#dataservice/platform/http/server.ts'
import type { LogReader } from '#dataservice/platform/kafka/port.ts'
import { memoryTopic } from '#dataservice/platform/kafka/testing/memory-log-reader.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { Accumulator, type AccumulatorOptions } from '../accumulator.ts'
import { type GatewayPorts, gateway } from '../app.ts'
import { byteBudget } from '../budget.ts'
import type { CorsRules } from '../callers/cors.ts'
import type { CallerGuard } from '../callers/guard.ts'
import { changesOf, type FollowingOptions, makeFollowing, storedRecordsOf } from '../changes/following.ts'
import { changeHeaders } from '../event-headers.ts'
import { gatewayMetrics } from '../metrics.ts'
import type { ReaderAnswer, ReaderQuestion } from '../reader-port.ts'
import { postingRules } from '../schema-version.ts'
import { tokens } from '../tokens.ts'
import { memoryLog } from './memory-log.ts'

export const tokenKey = generateKeySync('hmac', { length: 256 })
/** What the gateway's clock says. */
const now = Date.UTC(2026, 2, 1, 12)
/** Orders, kept in order by customer. */
export const declaration: RecordDeclaration = {
  schema: {
    type: 'object',
    required: ['customerId', 'amount'],
    additionalProperties: false,
    properties: { customerId: { type: 'string', maxLength: 20 }, amount: { type: 'number' } },
  },
  key: '/customerId',
  indexes: [],
}

export interface World {
  declaration?: RecordDeclaration
  /** Mode Upsert. */
  isChanging?: boolean
  accumulator?: Partial<AccumulatorOptions>
  budgetBytes?: number
  isLogFull?: boolean
  replicas?: number
  reader?: (question: ReaderQuestion) => ReaderAnswer
  /** Absent: everybody may call. */
  guard?: CallerGuard
  cors?: CorsRules
  /** What the document tells of it. */
  rules?: GatewayRules
  /** The topic that is followed. */
  topic?: LogReader
  /** The log as those see it who follow it. */
  follow?: Partial<FollowingOptions>
  /** Hears of each route that is registered. */
  onRoute?: (route: RouteOptions) => void
}

/** Starts it; it is closed when the test ends. */
export async function start(world: World = {}) {
  const log = memoryLog({ partitions: 3, ...(world.replicas && { replicas: world.replicas }) })
  const verdict = judgeRecord(world.declaration ?? declaration)
  if (verdict.kind === 'refused') throw new Error(JSON.stringify(verdict.problems))
  const metrics = new Registry()
  const budget = byteBudget(world.budgetBytes ?? 64 * 1024 * 1024)
  const accumulator: Accumulator = new Accumulator({
    appender: log,
    observe: batch => observe(batch),
    ...world.accumulator,
  })
  const observe = gatewayMetrics(metrics, () => accumulator.bytes)
  const { app, drain, isDraining } = makeServer({ log: pino({ level: 'silent' }), metrics })
  if (world.onRoute) app.addHook('onRoute', world.onRoute)
  const questions: ReaderQuestion[] = []
  const reader = (question: ReaderQuestion): ReaderAnswer => {
    questions.push(question)
    return world.reader?.(question) ?? { kind: 'unavailable' }
  }
  const topic = world.topic ?? memoryTopic(3)
  const following = makeFollowing({
    ...(world.isChanging
      ? changesOf({ log: topic })
      : storedRecordsOf({
          log: topic,
          reader: { ask: async question => reader(question) },
          oldest: () => now - 86_400_000,
        })),
    metrics,
    ...world.follow,
  })
  const ports: GatewayPorts = {
    accumulator,
    replicas: () => log.replicas,
    isDraining,
    budget,
    tokens: tokens(tokenKey, () => log.logId),
    ...(world.guard && { guard: world.guard }),
    ...(world.cors && { cors: world.cors }),
    isLogFull: () => world.isLogFull ?? false,
    following,
    asset: assetReader(docsFolder()),
    facts: {
      namespace: 'shop',
      name: 'orders',
      declaration: world.declaration ?? declaration,
      record: verdict.record,
      ...(world.rules && { rules: world.rules }),
      isChanging: world.isChanging ?? false,
    },
    ...(world.isChanging && {
      commands: changeHeaders('/dataservices/shop/orders', verdict.record.schemaVersion),
    }),
    now: () => now,
    maxKeyAgeMs: 86_400_000,
    reader: {
      ask: async question => reader(question),
      close: async () => {},
    },
    rules: {
      ...postingRules({
        record: verdict.record,
        declared: world.declaration?.versions,
        source: '/dataservices/shop/orders',
        now,
        metrics,
      }),
      partitions: 3,
      newId: uuid7Maker({ now: () => now, random: bytes => void randomFillSync(bytes) }),
      isChanging: world.isChanging ?? false,
    },
  }
  await app.register(gateway, ports)
  onTestFinished(async () => {
    await following.streams.stop()
    await app.close()
  })
  const post = (payload: string | Buffer, type = 'application/json', headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: '/data', payload, headers: { 'content-type': type, ...headers } })
  return {
    app,
    ports,
    log,
    post,
    metrics,
    questions,
    drain,
    budget,
    accumulator,
    schemaVersion: verdict.record.schemaVersion,
  }
}

/** The text of a record. */
export const order = (customerId: string, amount: unknown = 1) => JSON.stringify({ customerId, amount })

/** Any id of that moment. */
export const idPattern = /^019ca945-0a00-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
