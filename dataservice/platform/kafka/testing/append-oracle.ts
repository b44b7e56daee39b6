/** Random faults on the wire while records are appended: what was said of each record must be true of the log. */
import { expect, onTestFinished, test } from 'vitest'
import { createAppender } from '../appender.ts'
import { createConsumer } from '../consumer.ts'
import type { LogAppender } from '../port.ts'
import { type ContractCluster, record } from './contract-cluster.ts'
import { apis } from './fault-proxy.ts'
import { Recorder } from './recorder.ts'
import { until } from './topics.ts'

interface Word {
  partition: number
  kind: 'appended' | 'refused' | 'unknown'
  /** Of the batch's first record. */
  offset?: bigint
  keys: string[]
}

const durationMs = 5000
const stormEveryMs = 2500
const stormMs = 1500
const batchSize = 7

export function appendOracle(cluster: () => ContractCluster): void {
  test('under random faults each record stands once where it was said, and what was refused stands nowhere', async () => {
    const { proxy, topics } = cluster()
    const topic = await topics.create([
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
      [0, 2, 1],
    ])
    const partitions = [0, 1, 2, 3]
    const options = { brokers: proxy.bootstrapServers, topic, clientId: 'oracle' }
    const appender = await createAppender(options)
    onTestFinished(() => appender.close())
    const random = numbers(20_261_121)
    // Fair weather, in which attempts mend what fails, and storms that outlast them.
    const risk = () => (performance.now() % stormEveryMs < stormMs ? 0.97 : 0.15)
    proxy.intercept(({ api }) => (api === apis.produce && random() < risk() ? 'cut' : 'pass'))
    const over = performance.now() + durationMs
    const said = partitions.map(partition => appendUntil(appender, partition, over))
    await topics.move(topic, 3, 1)
    const words = (await Promise.all(said)).flat()
    proxy.intercept()

    const recorder = new Recorder(Object.fromEntries(partitions.map(partition => [partition, 0n])))
    const consumer = createConsumer({ ...options, group: `${topic}.oracle` })
    onTestFinished(() => consumer.stop())
    const ended = consumer.run(recorder)
    ended.catch(() => {}) // a failure shows as records that never come
    // Counted anew each time: what was cut off on its way may still arrive.
    const total = async () => (await topics.counts(topic)).reduce((sum, count) => sum + count)
    await until(async () => recorder.distinct === (await total()))
    const inLog = new Map(partitions.map(partition => [partition, recorder.keys(partition)]))

    expect(new Set(words.map(({ kind }) => kind))).toContain('unknown') // else the faults were too mild to show anything
    expect(words.filter(word => !isTrue(word, inLog.get(word.partition) ?? []))).toEqual([])
    for (const keys of inLog.values()) expect(new Set(keys).size).toBe(keys.length)
  })
}

async function appendUntil(appender: LogAppender, partition: number, over: number): Promise<Word[]> {
  const words: Word[] = []
  for (let at = 0; performance.now() < over; at += batchSize) {
    const keys = Array.from({ length: batchSize }, (_, n) => `${partition}-${at + n}`)
    const outcomes = await appender.append(new Map([[partition, keys.map(key => record(key))]]))
    const outcome = outcomes.get(partition)
    if (!outcome) throw new Error('an append without an outcome')
    const offset = outcome.kind === 'appended' ? { offset: outcome.baseOffset } : {}
    words.push({ partition, kind: outcome.kind, keys, ...offset })
  }
  return words
}

function isTrue({ kind, keys, offset }: Word, log: readonly string[]): boolean {
  const found = keys.filter(key => log.includes(key)).length
  if (kind === 'refused') return found === 0
  if (kind === 'unknown') return found === 0 || found === keys.length
  return keys.every((key, index) => log[Number(offset) + index] === key)
}

/** The same row of numbers from 0 to 1 for the same seed. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
