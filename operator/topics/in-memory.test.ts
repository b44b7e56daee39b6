import { expect, test } from 'vitest'
import { accessContract } from './access.contract.ts'
import { inMemoryTopics } from './in-memory.ts'
import { topicsContract } from './topics.contract.ts'

const log = { servers: ['memory:9092'] }
topicsContract(() => ({ port: inMemoryTopics(), log, prefix: 'shop.orders' }))

const kept = inMemoryTopics()
accessContract(() => ({ port: kept, log }))

test('brokers that ask nobody for rights say so', async () => {
  const port = inMemoryTopics()
  port.guarded = false
  expect(await port.access(log, '')).toBeUndefined()
})
