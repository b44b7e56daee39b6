/** Kafka slows its clients down, then holds more than a writer should keep in memory, then has nothing for long. */
import { setTimeout as delay } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { newRecord } from '#e2e/engines/records.ts'
import type { RoleStack } from '#e2e/scenarios/open-role-stack.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { atLeast, atMost, told } from './figures.ts'
import { residentMegabytes } from './resident.ts'
import type { Suite } from './suite.ts'
import { type Scene, underLoad, untilStoring } from './under-load.ts'
import { logEnds, positions } from './verdict.ts'

const lasts = { smoke: 8_000, full: 120_000 } as const
const silenceMs = { smoke: 5_000, full: 900_000 } as const
const hugeMegabytes = { smoke: 30, full: 100 } as const
const throttledBytes = 30_000
const recordBytes = 900_000
/** The limit of a pod with the standard profile. */
const memoryLimit = 512

export const throttled: Suite = context =>
  underLoad(context, { perSecond: 200 }, async scene => {
    const { world, size, roles, load, say } = scene
    await untilStoring(scene)
    const accepted = load.accepted()
    await limitClients(world, throttledBytes)
    await delay(lasts[size])
    const meanwhile = load.accepted() - accepted
    await limitClients(world, undefined)
    const lifted = performance.now()
    await untilStoring(scene)
    const afterwards = (performance.now() - lifted) / 1000

    say('much at once')
    load.pace(0)
    const writer = roles.process('writer')
    writer.signal('SIGSTOP')
    const appended = await appendHuge(world, hugeMegabytes[size]).finally(() => writer.signal('SIGCONT'))
    const largest = await largestUntilPassed(scene)

    say('silence')
    await delay(silenceMs[size])
    load.pace(200)
    const resumed = performance.now()
    await untilStoring(scene)
    return [
      atLeast('records taken while Kafka held its clients back', meanwhile, 1),
      atMost('seconds until something is stored afterwards', afterwards, 15),
      told('MB in the log at once', appended),
      atMost('memory of the writer, MiB', largest, memoryLimit),
      atMost('seconds until something is stored after the silence', (performance.now() - resumed) / 1000, 10),
    ]
  })

/** What every client may produce and fetch in a second; undefined lifts the limit. */
async function limitClients({ kafka }: RoleStack, bytes: number | undefined): Promise<void> {
  const admin = new Admin({ bootstrapBrokers: kafka.bootstrapServers, clientId: 'chaos' })
  const keys = ['producer_byte_rate', 'consumer_byte_rate'] as const
  const ops = keys.map(key =>
    bytes === undefined ? { key, remove: true as const } : { key, remove: false as const, value: bytes },
  )
  await admin
    .alterClientQuotas({ entries: [{ entities: [{ entityType: 'client-id', entityName: null }], ops }] })
    .finally(() => admin.close())
}

/** Appends large records of another producer, which Postgres refuses. Answers the megabytes. */
async function appendHuge({ settings }: RoleStack, megabytes: number): Promise<number> {
  const { brokers, eventsTopic: topic } = settings.log
  const appender = await createAppender({ brokers, topic, clientId: 'huge' })
  const body = `{"long":"${'x'.repeat(recordBytes)}"`
  let appended = 0
  while (appended < megabytes * 1e6) {
    const outcome = (await appender.append(new Map([[0, [newRecord({ body })]]]))).get(0)
    if (outcome?.kind !== 'appended') throw new Error(`a large record was not appended: ${outcome?.kind}`)
    appended += recordBytes
  }
  await appender.close()
  return appended / 1e6
}

/** Largest memory of the writer in MiB until it has passed the whole log. */
async function largestUntilPassed({ world, roles }: Scene): Promise<number> {
  const { pid } = roles.process('writer')
  const owner = world.database.open('owner')
  let largest = 0
  const sampling = setInterval(() => {
    largest = Math.max(largest, residentMegabytes(pid))
  }, 100)
  try {
    await settledIn(120_000, async () => {
      const [ends, passed] = await Promise.all([logEnds(world), positions(owner, world)])
      if (String(ends) !== String(passed)) throw new Error(`the writer is at ${passed} of ${ends}`)
    })
  } finally {
    clearInterval(sampling)
    await owner.close()
  }
  return largest
}
