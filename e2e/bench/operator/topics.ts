/** Topics that outlive the operator's process, as Kafka's do: their changes stand in a file. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { TopicChange } from '#operator/desired/kafka-topics.ts'
import { inMemoryTopics } from '#operator/topics/in-memory.ts'
import type { LogAddress, TopicsPort } from '#operator/topics/port.ts'

const address: LogAddress = { servers: ['played'] }

/** Of all operators that were given the same file. */
export async function topicsIn(file: string): Promise<TopicsPort> {
  const topics = inMemoryTopics()
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  for (const line of lines.filter(each => each !== '')) {
    const changes: TopicChange[] = JSON.parse(line)
    await topics.change(address, changes)
  }
  return {
    ...topics,
    change: async (asked, changes) => {
      await topics.change(asked, changes)
      appendFileSync(file, `${JSON.stringify(changes)}\n`)
    },
  }
}
