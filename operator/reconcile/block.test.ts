import { describe, expect, test } from 'vitest'
import type { DataServiceClassSpec } from '#crds/v1alpha1/class.ts'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { ofClass } from '#operator/testing/class.ts'
import { dataService, withAnnotation, withSpec } from '#operator/testing/data-service.ts'
import { following, oneRun } from '#operator/testing/one-run.ts'
import { only, upAndRunning, type World } from '#operator/testing/world.ts'

const delegated = withSpec({ postgres: { cloudNativePG: { instances: 1, storage: { size: '1Gi' } } } })
const missing: ClassChoice = { kind: 'missing', name: 'big', named: true }

describe('a class that is not there', () => {
  const found = oneRun(following(ofClass({ kafka: { managed: { brokers: 3 } } }), missing))

  test('is a user’s business, told with its remedy, and nothing is written', () => {
    expect(found.steps).toEqual([])
    expect(found.outcome).toMatchObject({ kind: 'refused', reason: 'ClassMissing' })
    expect(['Stalled', 'Ready', 'ClassReady'].map(found.condition)).toEqual([
      'True/ClassMissing',
      'False/ClassMissing',
      'False/ClassMissing',
    ])
    expect(found.stalled).toContain('there is no DataServiceClass big: create it, or name one')
  })

  test('says nothing against what runs', () => {
    const parts = ['LogReady', 'DatabaseReady', 'CacheReady', 'WriterReady', 'ReaderReady', 'GatewayReady']
    expect(parts.map(found.condition)).toEqual(parts.map(() => 'True/Ready'))
    expect(found.condition('Durable')).toBe('True/Replicated')
    expect(found.status.className).toBe('production')
  })

  test('of a new DataService lets nothing be made', () => {
    const first = oneRun({ owner: dataService(), choice: missing })
    expect(first.steps).toEqual([])
    expect(first.condition('LogReady')).toBe('False/ClassMissing')
    expect(first.condition('GatewayReady')).toBe('False/ClassMissing')
    expect(first.status.className).toBeUndefined()
  })
})

test('an operator of one namespace says that it sees no classes', () => {
  const found = oneRun({ owner: dataService(), choice: { kind: 'unseen', name: 'big' } })
  expect(found.condition('Stalled')).toBe('True/ClassesNotSeen')
  expect(found.stalled).toContain('set spec.className to built-in')
})

test('several default classes are told, and hold nobody back', () => {
  const found = oneRun({
    ...upAndRunning(dataService()),
    choice: { kind: 'class', name: 'old', spec: {}, rivals: ['young'] },
  })
  expect(['ClassReady', 'Stalled', 'Ready'].map(found.condition)).toEqual([
    'False/SeveralDefaults',
    'False/Healthy',
    'True/Ready',
  ])
})

describe('a class that changes', () => {
  const managed = (part: 'kafka' | 'postgres', words: object): DataServiceClassSpec => ({
    [part]: { managed: words },
  })
  const rows: [string, DataServiceClassSpec, DataServiceClassSpec, string][] = [
    [
      'one broker for three',
      managed('kafka', { brokers: 3 }),
      {},
      'kafka.managed.brokers was 3 when the volumes were made and would become 1',
    ],
    [
      'another storage class of Postgres',
      managed('postgres', { storage: { className: 'a' } }),
      managed('postgres', { storage: { className: 'b' } }),
      'postgres.managed.storage.className was a when the volumes were made and would become b',
    ],
    [
      'a storage class of Kafka that comes',
      {},
      managed('kafka', { storage: { className: 'b' } }),
      'kafka.managed.storage.className was left out',
    ],
    [
      'a storage class of Kafka that goes',
      managed('kafka', { storage: { className: 'b' } }),
      {},
      'would become left out',
    ],
  ]
  test.each(rows)('%s is refused, and nothing is written', (_name, before, now, says) => {
    const found = oneRun(following(ofClass(before), ofClass(now)))
    expect(found.steps).toEqual([])
    expect(found.condition('Stalled')).toBe('True/CannotChange')
    expect(found.condition('DatabaseReady')).toBe('True/Ready')
    expect(found.stalled).toContain(says)
  })

  test('three brokers for one is no block: the log grows', () => {
    const found = oneRun(following(ofClass({}), ofClass(managed('kafka', { brokers: 3 }))))
    expect(found.steps.map(step => step.do)).toContain('apply')
    expect(found.condition('Stalled')).toBe('False/Healthy')
  })

  test('what the DataService says itself keeps it as it was', () => {
    const own = withSpec({ kafka: { managed: { brokers: 1, storage: { size: '10Gi' } } } })
    const three = ofClass(managed('kafka', { brokers: 3 }))
    expect(oneRun({ ...upAndRunning(dataService(own)), choice: three }).condition('Ready')).toBe('True/Ready')
  })

  test('a number of brokers that somebody scaled by hand is put back, not taken for a change', () => {
    const scaled = only('StatefulSet', 'orders-kafka', child => ({
      ...child,
      spec: { ...child.spec, replicas: 3 },
    }))
    const { steps } = oneRun(upAndRunning(dataService(), scaled))
    expect(steps.map(step => step.do)).toEqual(['apply'])
  })

  test('more room makes the volumes grow, less leaves them as they are', () => {
    const size = (text: string) => ofClass(managed('kafka', { storage: { size: text } }))
    const grown = oneRun(following(size('10Gi'), size('20Gi'))).steps
    expect(grown.map(step => step.do)).toContain('grow')
    expect(volumesTouched(oneRun(following(size('20Gi'), size('10Gi'))).steps)).toEqual([])
  })
})

describe('engines do not change hands', () => {
  const external = ofClass({ redis: { external: { host: 'cache.test', port: 6379 } } })

  test('who runs each is recorded with the first run', () => {
    expect(oneRun({ owner: dataService(), choice: external }).status.providers).toEqual({
      kafka: 'managed',
      postgres: 'managed',
      redis: 'external',
    })
    expect(oneRun({ owner: dataService(), choice: missing }).status.providers).toBeUndefined()
  })

  test.each<[string, World]>([
    ['only planned', { owner: dataService(withAnnotation(annotationKeys.plan, 'true')), choice: external }],
    ['paused', { owner: dataService(withAnnotation(annotationKeys.paused, 'true')), choice: external }],
    ['of a kind that nobody serves', { owner: dataService(delegated), serving: { state: 'unserved' } }],
  ])('nor is it where it is %s: nothing of it exists', (_, world) => {
    const { status } = oneRun(world)
    expect([status.providers, status.className]).toEqual([undefined, world.serving && 'built-in'])
    const later = { ...dataService(), status }
    expect(oneRun({ owner: later }).condition('Stalled')).toMatch(/^False/)
  })

  test('a Redis of others needs nobody, and has a condition', () => {
    const found = oneRun(upAndRunning(dataService(), undefined, external))
    expect(['Ready', 'CacheReady'].map(found.condition)).toEqual(['True/Ready', 'True/External'])
  })

  const rows: [string, ClassChoice, ClassChoice][] = [
    ['ours for one of others', ofClass({}), external],
    ['one of others for ours', external, ofClass({})],
  ]
  test.each(rows)('%s is refused, and nothing is written', (_name, before, choice) => {
    const found = oneRun(following(before, choice))
    expect(found.steps).toEqual([])
    expect(['Stalled', 'DatabaseReady'].map(found.condition)).toEqual(['True/ProviderChanged', 'True/Ready'])
    expect(found.status.providers).toEqual(
      oneRun(upAndRunning(dataService(), undefined, before)).status.providers,
    )
  })

  test('one that an operator made before it was recorded is ours', () => {
    const { status: _, ...owner } = dataService()
    const found = oneRun({ ...upAndRunning(dataService()), owner, choice: external })
    expect(found.condition('Stalled')).toBe('True/ProviderChanged')
  })
})

const volumesTouched = (steps: ReturnType<typeof oneRun>['steps']): string[] =>
  steps.flatMap(step => {
    if (step.do === 'grow') return [step.growth.statefulSet]
    const object: ObservedChild | undefined = step.do === 'apply' ? step.object : undefined
    return object?.kind === 'StatefulSet' ? [object.metadata.name] : []
  })

describe('whether hops are encrypted', () => {
  const encrypted = withSpec({ security: { tls: 'Internal' } })
  const plain = withSpec({ security: { tls: 'Off' } })

  /** All is well with the first wish; then the second one holds. */
  const changing = (
    before: typeof plain,
    wish: typeof plain,
    change?: Parameters<typeof upAndRunning>[1],
  ) => {
    const calm = upAndRunning(dataService(before), change)
    const { status } = oneRun(calm)
    const owner = dataService(wish)
    return oneRun({ ...calm, owner: { ...owner, status } })
  }
  const asleep = (child: ObservedChild): ObservedChild =>
    child.spec?.['replicas'] === undefined
      ? child
      : { ...child, spec: { ...child.spec, replicas: 0 }, status: { ...child.status, replicas: 0 } }

  test.each([
    ['Off', plain, encrypted],
    ['Internal', encrypted, plain],
  ])('from %s: nothing changes while pods run, and the way is told', (was, before, wish) => {
    const found = changing(before, wish)
    expect(found.steps).toEqual([])
    expect(found.condition('Stalled')).toBe('True/CannotChange')
    expect(found.stalled).toContain(`security.tls is ${was} and would become`)
    expect(found.stalled).toContain('Hibernated')
    expect(found.status.security?.tls).toBe(was)
  })

  test('it changes while all of them sleep', () => {
    const found = changing(plain, encrypted, asleep)
    expect(found.condition('Stalled')).not.toBe('True/CannotChange')
    expect(found.status.security?.tls).toBe('Internal')
  })

  test('who says nothing keeps what is there, also of an operator that did not record it', () => {
    const calm = upAndRunning(dataService(encrypted))
    expect(oneRun({ ...calm, owner: dataService() }).status.security?.tls).toBe('Internal')
    const older = upAndRunning(dataService(plain))
    expect(oneRun({ ...older, owner: dataService() }).status.security?.tls).toBe('Off')
  })
})
