/** Consumers through the loop: what comes to Kafka and to the Secrets, and what the status says of it. */
import { describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { bindingsOf, rightsOf } from '#operator/desired/consumers.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { oneRun } from '#operator/testing/one-run.ts'
import { type Rehearsal, rehearse, untilSettled } from '#operator/testing/rehearsal.ts'
import { targetOf } from '#operator/testing/target.ts'
import { upAndRunning } from '#operator/testing/world.ts'

const consumers = [{ name: 'billing' }]
const ref = { kind: 'Secret', namespace: 'shop', name: 'orders-binding-billing' } as const
const log = { servers: ['kafka:9092'] }

interface Stored extends KubernetesObject {
  data?: Record<string, string>
}

const secretIn = async ({ cluster }: Rehearsal): Promise<Record<string, string>> => {
  const stored = await cluster.get<Stored>(ref)
  return Object.fromEntries(
    Object.entries(stored?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
  )
}

const served = async ({ cluster, key }: Rehearsal): Promise<DataService> => {
  const found = await cluster.get<DataService>({ kind: 'DataService', ...key })
  if (found === undefined) throw new Error('it is gone')
  return found
}

async function said(rehearsal: Rehearsal, type = 'ConsumersReady'): Promise<string> {
  const found = (await served(rehearsal)).status?.conditions?.find(each => each.type === type)
  return `${found?.status}/${found?.reason}: ${found?.message}`
}

async function ask(rehearsal: Rehearsal, spec: object): Promise<void> {
  const { apiVersion, kind, metadata, spec: before } = await served(rehearsal)
  const { name, namespace } = metadata
  const wish = { apiVersion, kind, metadata: { name, namespace }, spec: { ...before, ...spec } }
  await rehearsal.cluster.as('user').apply(wish)
  await untilSettled(rehearsal)
}

async function bound(): Promise<Rehearsal> {
  const rehearsal = await rehearse(dataService(withSpec({ consumers })))
  await untilSettled(rehearsal)
  return rehearsal
}

describe('a consumer', () => {
  test('gets a Secret, and Kafka knows its user; no word of the password is in the status', async () => {
    const rehearsal = await bound()
    const { username = '', password, ...told } = await secretIn(rehearsal)
    expect(told).toMatchObject({
      type: 'kafka',
      bootstrapServers: 'orders-kafka-0.orders-kafka.shop.svc:9094',
      topic: 'shop.orders.events',
      groupPrefix: 'shop.orders.billing.',
    })
    expect(rehearsal.topics.passwords).toEqual(new Map([[username, password]]))
    const access = await rehearsal.topics.access(log, 'shop.orders.')
    expect(access?.get(username)?.rights).toEqual(rightsOf(targetOf(dataService()), 'billing'))
    expect(await said(rehearsal)).toMatch(/^True.Ready: .*billing by Secret orders-binding-billing/)
    expect(await said(rehearsal, 'Ready')).toMatch(/^True/)
    const { status } = await served(rehearsal)
    expect(status?.consumers).toEqual([{ name: 'billing', secret: 'orders-binding-billing' }])
    expect(JSON.stringify(status)).not.toContain(password)
  })

  test('whose user or rights are gone gets them again, with the same password', async () => {
    const rehearsal = await bound()
    const before = new Map(rehearsal.topics.passwords)
    const [user = ''] = before.keys()
    const rights = (await rehearsal.topics.access(log, user))?.get(user)?.rights ?? []
    await rehearsal.topics.changeAccess(log, [
      { change: 'forbid', user, rights },
      { change: 'dismiss', user },
    ])
    await untilSettled(rehearsal)
    expect(rehearsal.topics.passwords).toEqual(before)
    expect((await rehearsal.topics.access(log, user))?.get(user)?.rights).toEqual(rights)
  })

  test('whose Secret was deleted gets another user, and the old one is let in no more', async () => {
    const rehearsal = await bound()
    const [old] = rehearsal.topics.passwords.keys()
    const { metadata } = (await rehearsal.cluster.get(ref)) ?? {}
    await rehearsal.cluster.as('user').remove(ref, { uid: metadata?.uid ?? '', propagation: 'Background' })
    await untilSettled(rehearsal)
    const { username } = await secretIn(rehearsal)
    expect(username).not.toBe(old)
    expect([...rehearsal.topics.passwords.keys()]).toEqual([username])
  })

  test('that goes loses user, rights and Secret, and the brokers their listener', async () => {
    const rehearsal = await bound()
    const [user = ''] = rehearsal.topics.passwords.keys()
    await ask(rehearsal, { consumers: [] })
    expect(await rehearsal.topics.access(log, user)).toEqual(new Map())
    expect(await rehearsal.cluster.get(ref)).toBeUndefined()
    expect((await served(rehearsal)).status?.consumers).toBeUndefined()
    const config = await rehearsal.cluster.get({ ...ref, kind: 'ConfigMap', name: 'orders-kafka-config' })
    expect(JSON.stringify(config)).not.toContain('CONSUMERS')
    expect(await said(rehearsal)).toMatch(/^undefined/)
  })

  test('that goes while Kafka is away keeps its Secret until Kafka knows', async () => {
    const rehearsal = await bound()
    rehearsal.topics.away = true
    await ask(rehearsal, { consumers: [] })
    expect(await rehearsal.cluster.get(ref)).toBeDefined()
    expect(rehearsal.topics.passwords.size).toBe(1)
    rehearsal.topics.away = false
    await untilSettled(rehearsal)
    expect(rehearsal.topics.passwords.size).toBe(0)
    expect(await rehearsal.cluster.get(ref)).toBeUndefined()
  })

  test("whose Secret is somebody else's is not let in, and Stalled says so", async () => {
    const rehearsal = await rehearse(dataService(withSpec({ consumers })))
    const { kind, ...metadata } = ref
    const data = { username: Buffer.from('shop.orders.billing.x').toString('base64'), password: 'eA==' }
    await rehearsal.cluster.as('user').create({ apiVersion: 'v1', kind, metadata, data } as KubernetesObject)
    // A name that is taken is tried again, so that it never settles.
    await expect(untilSettled(rehearsal)).rejects.toThrow('not settled')
    expect(rehearsal.topics.passwords.size).toBe(0)
    expect(await said(rehearsal, 'Stalled')).toMatch(/^True.NotOwned: Secret shop.orders-binding-billing/)
    expect(await said(rehearsal)).toMatch(/^False.Creating/)
  })
})

describe('what the status says', () => {
  const world = upAndRunning(dataService(withSpec({ consumers })))
  const secrets = [...world.secrets, ref.name]
  const seen = { kind: 'seen' as const, access: new Map() }

  test('brokers that do not ask for rights yet are waited for', () => {
    expect(oneRun({ ...world, secrets }).condition('ConsumersReady')).toBe('False/WaitingForLog')
  })

  test('a user of another consumer in a Secret is nobody', () => {
    const users = { [ref.name]: 'shop.orders.audit.1' }
    const run = oneRun({ ...world, secrets, users, access: seen })
    expect(run.steps.filter(step => step.do === 'access')).toEqual([])
    expect(run.status.conditions?.find(({ type }) => type === 'ConsumersReady')?.message).toContain(
      'kubectl -n shop delete secret orders-binding-billing',
    )
  })

  test('one of a Kafka of others is Stalled with the remedy', () => {
    const external = { bootstrapServers: ['kafka.test:9092'] }
    const owner = dataService(withSpec({ consumers, kafka: { external } }))
    expect(oneRun({ owner }).stalled).toContain('remove spec.consumers')
  })

  test('at rest nothing is written; what a Secret tells follows brokers and authority', () => {
    const users = { [ref.name]: 'shop.orders.billing.1' }
    const rights = rightsOf(targetOf(world.owner), 'billing')
    const access = {
      kind: 'seen' as const,
      access: new Map([['shop.orders.billing.1', { hasPassword: true, rights }]]),
    }
    const run = (seal: string) =>
      oneRun({
        ...world,
        ...{ secrets, users, access },
        marks: { ...world.marks, [ref.name]: { [annotationKeys.desired]: seal } },
      })
    const [binding] = bindingsOf(targetOf(world.owner))
    const calm = run(binding?.told.metadata.annotations?.[annotationKeys.desired] ?? '')
    expect(calm.steps).toEqual([])
    expect(calm.condition('ConsumersReady')).toBe('True/Ready')
    expect(run('of before').steps).toEqual([
      { do: 'apply', object: binding?.told, uid: 'uid-of-orders-binding-billing' },
    ])
  })
})
