/**
 * A drain takes every pod of a service with three brokers, a Postgres replica and two caches, one after the other, under
 * load: no plain GET fails, and no POST but for one in two hundred while brokers go; a GET with a token is answered within
 * its deadline, and no record is lost. Runs second of its kind, with the service of the scenario before.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceAddress } from '#e2e/stack/address.ts'
import { waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { brokerCpu, clustered, declareClustered } from './clustered-service.ts'
import { evict, podsOf } from './evictions.ts'
import { oddPosts } from './leaders-move.ts'
import { type Answered, type Ledger, type Load, openLedger } from './ledger.ts'
import { oddReads } from './odd-reads.ts'
import { type Read, type ReadingLoad, startReading } from './reading-load.ts'
import { settledIn, since } from './settled.ts'
import { small, whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const { namespace, name } = clustered
/** What the gateway gives a reader, and what a machine that does everything else, too, may add. */
const deadlineMs = 5_000 + 3_000
let ledger: Ledger
let url = ''

/** Two of each: a drain of the only pod of a part is an outage of it. */
const twice = { replicas: 2, autoscaling: { mode: 'Off' }, ...small }

beforeAll(async () => {
  const kubernetes = await cluster()
  await declareClustered(kubernetes, brokerCpu.changed, {
    replicas: 2,
    gateway: { autoscaling: { mode: 'Off' }, ...small },
    writer: { replicas: 2, ...small },
    reader: twice,
    redis: { managed: { instances: 2, ...small } },
  })
  await whenReady(kubernetes, clustered)
  url = (await serviceAddress(kubernetes, namespace, `${name}-gateway`)).url
  ledger = await openLedger(kubernetes, clustered)
  await ledger.post(3_000)
  await ledger.balanced()
  await settledIn(120_000, everyReplicaTells)
})

/** A replica that lost its primary with a node goes on a while later; until then it tells nothing of what is newer. */
async function everyReplicaTells(): Promise<void> {
  const newest = ledger.acknowledged().slice(-40)
  const answers = await Promise.all(newest.map(id => fetch(`${url}/data/${id}`)))
  expect(answers.map(({ status }) => status)).toEqual(newest.map(() => 200))
}

afterAll(async () => {
  await (await cluster()).kubectl(['delete', 'namespace', namespace, '--wait=false'])
})

let posting: Load
let reading: ReadingLoad

/** Evicts each pod that the part has now, and waits after each until the part is whole again. */
async function drained(part: string): Promise<void> {
  const kubernetes = await cluster()
  const before = await podsOf(kubernetes, clustered, part)
  for (const { name: pod, uid } of before) {
    const began = Date.now()
    await evict(kubernetes, clustered, pod, 120_000)
    await settledIn(240_000, async () => {
      const now = await podsOf(kubernetes, clustered, part)
      expect(now.filter(each => each.isReady && each.uid !== uid)).toHaveLength(before.length)
    })
    await waitUntilReady(kubernetes, clustered, { timeoutMs: 120_000 })
    step(`${pod} was evicted; Ready again after ${since(began)}: ${account(began)}`)
  }
}

/** What was answered since then, for people. */
function account(from: number): string {
  const posts = posting.answers.filter(({ at }) => at >= from)
  const reads = reading.reads.filter(({ at }) => at >= from)
  const slowest = Math.max(0, ...[...posts, ...reads].map(({ tookMs }) => tookMs))
  const told = [...posts, ...reads].filter(isOdd).map(({ said, status }) => `${status} ${said}`)
  const odd = [...new Set(told)].slice(0, 3).join(' | ')
  return `${posts.length} POSTs, ${reads.length} GETs, the slowest in ${slowest} ms${odd && `; ${told.length} not as wanted: ${odd}`}`
}

const isOdd = ({ status }: { status: number }): boolean => status !== 200 && status !== 202

/** What a client may not see. */
function failures(part: string, posts: readonly Answered[], reads: readonly Read[]): string[] {
  const refused = posts.filter(({ status }) => status !== 202)
  return [
    ...(part === 'kafka' ? oddPosts(posts) : refused.map(({ status, said }) => `POST ${status} ${said}`)),
    ...oddReads(reads, deadlineMs),
  ]
}

const served = 'no POST and no plain GET fails'

test.each([
  ['gateway', served],
  ['reader', served],
  ['writer', served],
  ['redis', served],
  ['postgres', served],
  ['kafka', 'at most one POST in two hundred is told 503 and what to send again'],
])('each pod of the %s is evicted under load: %s', async part => {
  posting = ledger.startLoad()
  const ids = ledger.acknowledged().slice(0, 3_000)
  reading = startReading({ url, ids, newestWrite: ledger.newestWrite })
  try {
    await drained(part)
  } finally {
    await Promise.all([posting.stop(), reading.stop()])
  }
  expect(failures(part, posting.answers, reading.reads)).toEqual([])
})

test('every record that was acknowledged is stored', async () => {
  step(`${await ledger.balanced()} rows, none lost`)
})
