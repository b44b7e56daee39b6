import { logReaderContract } from './log-reader-contract.ts'
import { memoryTopic } from './memory-log-reader.ts'

logReaderContract(async () => {
  const topic = memoryTopic(1)
  return {
    reader: topic,
    async append(partition, values) {
      for (const value of values)
        topic.append(partition, { key: 'k', value, headers: {}, timestamp: Date.now() })
    },
    deleteBelow: async (partition, offset) => topic.deleteBelow(partition, offset),
    replace: async () => topic.replace(),
  }
})
