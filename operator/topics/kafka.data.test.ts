import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { engines } from '#e2e/engines/inject.ts'
import { kafkaTopics } from './kafka.ts'
import { TopicsUnavailable } from './port.ts'
import { topicsContract } from './topics.contract.ts'

topicsContract(() => ({
  port: kafkaTopics(),
  servers: engines().kafka.bootstrapServers,
  prefix: `t${randomUUID()}.x`,
}))

test('a broker that is away is said within seconds, by its address', async () => {
  const call = kafkaTopics().describe(['127.0.0.1:1'], ['any'])
  await expect(call).rejects.toBeInstanceOf(TopicsUnavailable)
  await expect(call).rejects.toThrow(/127\.0\.0\.1:1/)
})
