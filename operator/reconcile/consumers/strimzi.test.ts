/** Consumers of a Kafka that Strimzi runs, through the loop: a Secret of ours, a KafkaUser with its password, and what is told. */
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { desiredChildren } from '#operator/desired/children.ts'
import { bindingsOf } from '#operator/desired/consumers.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Change, dataService, withSpec } from '#operator/testing/data-service.ts'
import { oneRun } from '#operator/testing/one-run.ts'
import { targetOf } from '#operator/testing/target.ts'
import { upAndRunning, type World } from '#operator/testing/world.ts'

const kafka = { strimzi: { cluster: 'main' } }
const consumers = [{ name: 'billing' }]
const secret = 'orders-binding-billing'
const asking = dataService(withSpec({ kafka, consumers }))

test('what is made is as the golden file says; our own user and topics are as without', async () => {
  const target = targetOf(asking)
  const found = desiredChildren(target)
    .filter(
      ({ kind, object }) => ['Secret', 'KafkaUser'].includes(kind) && /billing/.test(object.metadata.name),
    )
    .map(({ object }) => object)
  const text = [...found, ...bindingsOf(target).map(({ told }) => told)]
    .map(object => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot('../../desired/golden/consumers-strimzi.yaml')
})

test('without TLS on the listener the Secret says so; nothing of Strimzi is read for it', () => {
  const plain = withSpec({ kafka: { strimzi: { cluster: 'main', listener: { port: 9092, tls: false } } } })
  const toldBy = (...changes: readonly Change[]) => {
    const [binding] = bindingsOf(targetOf(dataService(withSpec({ kafka, consumers }), ...changes)))
    const data: Record<string, string> = Reflect.get(binding?.told ?? {}, 'data')
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    )
  }
  expect(toldBy()).toMatchObject({ securityProtocol: 'SASL_SSL' })
  expect(Object.keys(toldBy())).not.toContain('ca.crt')
  expect(toldBy(plain)).toMatchObject({
    securityProtocol: 'SASL_PLAINTEXT',
    bootstrapServers: 'main-kafka-bootstrap.shop.svc:9092',
  })
})

const ready = (child: ObservedChild): ObservedChild =>
  ['KafkaUser', 'KafkaTopic'].includes(child.kind)
    ? { ...child, status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] } }
    : child

/** All is there, Strimzi has let the consumer in. */
function settled(change: (child: ObservedChild) => ObservedChild | undefined = ready): World {
  const world = upAndRunning(asking, change)
  const [binding] = bindingsOf(targetOf(asking))
  const seal = binding?.told.metadata.annotations?.[annotationKeys.desired] ?? ''
  return {
    ...world,
    topics: { kind: 'notAsked' },
    secrets: [...world.secrets, secret],
    marks: { ...world.marks, [secret]: { [annotationKeys.desired]: seal } },
  }
}

const isConsumer = ({ kind, metadata }: ObservedChild): boolean =>
  kind === 'KafkaUser' && metadata.name === 'orders-consumer-billing'

describe('what is told', () => {
  const toldOf = (world: World) =>
    oneRun(world).status.conditions?.find(({ type }) => type === 'ConsumersReady')?.message

  test('the Secret opens the log when Strimzi says Ready; nothing is left to do then', () => {
    const run = oneRun(settled())
    expect(run.condition('ConsumersReady')).toBe('True/Ready')
    expect(run.status.consumers).toEqual([{ name: 'billing', secret }])
    expect(run.steps).toEqual([])
    expect(run.condition('Ready')).toBe('True/Ready')
  })

  test('before that it has the words of Strimzi, and holds up nothing else', () => {
    const refused = {
      type: 'Ready',
      status: 'False',
      reason: 'InvalidResourceException',
      message: 'no Secret',
    }
    const world = settled(child =>
      isConsumer(child) ? { ...child, status: { conditions: [refused] } } : ready(child),
    )
    expect(oneRun(world).condition('ConsumersReady')).toBe('False/EngineStalled')
    expect(toldOf(world)).toContain(
      'KafkaUser orders-consumer-billing of Kafka main: InvalidResourceException: no Secret',
    )
    expect(oneRun(world).condition('LogReady')).toBe('True/Delegated')
    expect(oneRun(world).condition('Ready')).toBe('True/Ready')
  })

  test('a Secret that is not there yet is named', () => {
    expect(
      toldOf({ ...settled(), secrets: settled().secrets?.filter(name => name !== secret) ?? [] }),
    ).toContain(`Secret ${secret} is not there yet`)
  })
})

describe('one that goes', () => {
  const without = dataService(withSpec({ kafka }))
  const bound = { ...without, status: { consumers: [{ name: 'billing', secret }] } }
  const removals = (world: World) =>
    oneRun(world).steps.flatMap(step => (step.do === 'remove' ? [`${step.kind} ${step.name}`] : []))

  test('loses its KafkaUser first, then its Secret, then its place in the status', () => {
    const first = { ...settled(), owner: bound }
    expect(removals(first)).toEqual(['KafkaUser orders-consumer-billing'])
    expect(oneRun(first).status.consumers).toEqual([{ name: 'billing', secret }])
    const second = { ...first, children: first.children?.filter(child => !isConsumer(child)) ?? [] }
    expect(removals(second)).toEqual([`Secret ${secret}`])
    const { marks, secrets = [] } = upAndRunning(without)
    const last = oneRun({ ...second, marks, secrets })
    expect(last.status.consumers).toBeUndefined()
    expect(last.steps).toEqual([])
  })
})

test('with a Kafka of somebody else consumers are refused, as ever', () => {
  const external = { bootstrapServers: ['kafka.test:9092'] }
  expect(oneRun({ owner: dataService(withSpec({ consumers, kafka: { external } })) }).stalled).toContain(
    'remove spec.consumers',
  )
})
