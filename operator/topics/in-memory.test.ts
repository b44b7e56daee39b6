import { inMemoryTopics } from './in-memory.ts'
import { topicsContract } from './topics.contract.ts'

topicsContract(() => ({ port: inMemoryTopics(), log: { servers: ['memory:9092'] }, prefix: 'shop.orders' }))
