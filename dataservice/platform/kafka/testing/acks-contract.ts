/** What less than acks=all buys and costs, on real brokers. */
import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { createAppender } from '../appender.ts'
import type { Acks, AppendOutcome } from '../port.ts'
import { type ContractCluster, record } from './contract-cluster.ts'
import { apis } from './fault-proxy.ts'
import { until } from './topics.ts'

export function acksContract(cluster: () => ContractCluster): void {
  const open = async (topic: string, brokers: readonly string[]) => {
    const appender = await createAppender({ brokers, topic, clientId: 'acks', answerTimeoutMs: 1000 })
    onTestFinished(() => appender.close())
    const append = async (acks: Acks, value = Buffer.from('a')): Promise<AppendOutcome | undefined> =>
      (await appender.append(new Map([[0, [{ ...record('k'), value }]]]), acks)).get(0)
    return { appender, append }
  }

  test('how often the log keeps a record is known', async () => {
    const { topics, proxy } = cluster()
    const three = await open(await topics.create([[0, 1, 2]]), proxy.bootstrapServers)
    const one = await open(await topics.create([[2]]), proxy.bootstrapServers)
    expect([three.appender.replicas, one.appender.replicas]).toEqual([3, 1])
  })

  test('with acks=1 a follower is not waited for', async () => {
    const { topics, kafka, proxy } = cluster()
    const { append } = await open(await topics.create([[0, 1]]), proxy.bootstrapServers)
    await kafka.brokers[1]?.kill('SIGSTOP')
    onTestFinished(() => kafka.brokers[1]?.kill('SIGCONT'))
    expect(await append(1)).toEqual({ kind: 'appended', baseOffset: 0n })
    expect(await append('all')).toMatchObject({ kind: 'unknown' })
  })

  test('with acks=1 a batch whose answer is lost may stand twice: the writer removes it by its event id', async () => {
    const { topics, proxy } = cluster()
    const topic = await topics.create([[0]])
    const { append } = await open(topic, proxy.bootstrapServers)
    let answers = 0
    proxy.intercept(({ api, direction }) =>
      api === apis.produce && direction === 'answer' && ++answers === 1 ? 'cut' : 'pass',
    )
    expect(await append(1)).toEqual({ kind: 'appended', baseOffset: 1n })
    expect(await topics.counts(topic)).toEqual([2])
  })

  test('with acks=0 nobody answers, and a broker that takes nothing does not fill the memory', async () => {
    const { topics, kafka } = cluster()
    const topic = await topics.create([[0]])
    // Without the proxy, which would take what the broker does not.
    const { append } = await open(topic, kafka.bootstrapServers)
    expect(await append(0)).toEqual({ kind: 'appended', baseOffset: -1n })
    await until(async () => (await topics.counts(topic))[0] === 1)
    await kafka.brokers[0]?.kill('SIGSTOP')
    onTestFinished(() => kafka.brokers[0]?.kill('SIGCONT'))
    const value = randomBytes(900_000)
    let taken = 0
    while (taken < 100 && (await append(0, value))?.kind === 'appended') taken++
    // What the kernel's buffers hold, and no more.
    expect(taken).toBeLessThan(100)
    await kafka.brokers[0]?.kill('SIGCONT')
    await until(async () => (await append(1))?.kind === 'appended')
  })
}
