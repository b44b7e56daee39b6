import { describe, expect, test } from 'vitest'
import { annotationKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Change, dataService, withAnnotation, withSpec } from '#operator/testing/data-service.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { type CertificateWish, lives } from './certificates/renewal.ts'
import { decide } from './decide.ts'
import type { Step } from './plan.ts'

const told = (steps: readonly Step[]): string[] =>
  steps.map(step => {
    switch (step.do) {
      case 'apply':
      case 'create':
        return `${step.do} ${step.object.kind} ${step.object.metadata.name}`
      case 'scale':
        return `scale ${step.name} ${step.replicas}`
      case 'remove':
        return `remove ${step.kind} ${step.name}${step.regardless ? ' regardless' : ''}`
      case 'hold':
        return `hold ${step.owner.metadata.finalizers?.join(',') ?? 'no more'}`
      case 'grow':
        return `grow ${step.growth.claims.join(',')} to ${step.growth.size}`
      case 'certify':
        return `certify ${step.wish.issuer}`
      case 'elect':
        return 'elect'
      case 'replicate':
        return `replicate ${step.partitions.map(each => `${each.topic}/${each.partition} ${each.replicas}`).join('; ')}`
      case 'topics':
        return `topics ${step.changes.map(({ change }) => change).join(',')}`
      case 'access':
        return `access ${step.changes.map(({ change }) => change).join(',')}`
      default:
        return step satisfies never
    }
  })

const steps = (world: World): string[] => told(decide(factsOf(world)).steps)
describe('the first run', () => {
  const first = steps({ owner: dataService() })

  test('creates the Secrets before anything that mounts them', () => {
    expect(first.slice(0, 2)).toEqual(['create Secret orders-identity', 'create Secret orders-credentials'])
  })
  test('brings up the engines and no pod of ours yet', () => {
    expect(first).toContain('apply StatefulSet orders-kafka')
    expect(first.filter(step => /Deployment|Job|settings/.test(step))).toEqual([])
  })
})

describe('a stack that is up', () => {
  const rows: [string, Change[], (child: ObservedChild) => ObservedChild | undefined, string[]][] = [
    ['is left alone', [], child => child, []],
    [
      'a deleted Service comes back',
      [],
      only('Service', 'orders-gateway', () => undefined),
      ['apply Service orders-gateway'],
    ],
    [
      'a label changed by hand is put back',
      [],
      only('ConfigMap', 'orders-settings', child => ({
        ...child,
        metadata: { ...child.metadata, labels: {} },
      })),
      ['apply ConfigMap orders-settings'],
    ],
    [
      'a label added by others stays',
      [],
      only('ConfigMap', 'orders-settings', child => ({
        ...child,
        metadata: { ...child.metadata, labels: { ...child.metadata.labels, theirs: '1' } },
      })),
      [],
    ],
    [
      'a migration that failed is made anew',
      [],
      child =>
        child.kind === 'Job'
          ? { ...child, status: { conditions: [{ type: 'Failed', status: 'True', message: 'x' }] } }
          : child,
      [expect.stringMatching(/^remove Job orders-migrate-.* regardless$/)],
    ],
  ]
  test.each(rows)('%s', (_name, changes, change, wanted) => {
    expect(steps(upAndRunning(dataService(...changes), change))).toEqual(wanted)
  })

  test.each([
    ['was made, and the operator ended', 1, ['scale orders-writer 2']],
    ['was annotated after that', 2, ['scale orders-writer 2']],
    ['had its number, and somebody asked for one pod', 3, []],
  ])('a Deployment that %s', (_title, generation, wanted) => {
    const withOne = only('Deployment', 'orders-writer', child => ({
      ...child,
      metadata: { ...child.metadata, generation },
      spec: { ...child.spec, replicas: 1 },
      status: { ...child.status, observedGeneration: generation },
    }))
    expect(steps(upAndRunning(dataService(), withOne))).toEqual(wanted)
  })

  test('a new schema migrates first and rolls nothing until then', () => {
    const before = upAndRunning(dataService())
    const owner = dataService(withSpec({ record: { indexes: [{ fields: ['/customerId'] }] } }))
    const wanted = steps({ ...before, owner })
    expect(wanted).toEqual([
      'apply ConfigMap orders-settings',
      expect.stringMatching(/^create Job orders-migrate-/),
    ])
  })

  test('after the migration the old Job goes and the pods roll', () => {
    const old = upAndRunning(dataService())
    const now = upAndRunning(dataService(withSpec({ record: { indexes: [{ fields: ['/customerId'] }] } })))
    const stale = old.children.filter(({ kind }) => kind === 'Job')
    const deployments = old.children.filter(({ kind }) => kind === 'Deployment')
    const others = now.children.filter(({ kind }) => kind !== 'Deployment')
    const wanted = steps({ ...now, children: [...others, ...stale, ...deployments] })
    expect(wanted).toEqual([
      'apply Deployment orders-gateway',
      'apply Deployment orders-writer',
      'apply Deployment orders-reader',
      `remove Job ${stale[0]?.metadata.name}`,
    ])
  })

  test('an unusable schema rolls nothing and removes nothing', () => {
    const before = upAndRunning(dataService())
    const owner = dataService(withSpec({ record: { key: '/nowhere' } }))
    expect(steps({ ...before, owner })).toEqual([])
  })

  const { schema } = dataService().spec.record
  const required = { record: { schema: { ...schema, required: ['customerId', 'amount', 'status'] } } }

  test('a schema that earlier records may not match rolls nothing, and says where and why', () => {
    const before = upAndRunning(dataService())
    const world = { ...before, owner: dataService(withSpec(required)) }
    expect(steps(world)).toEqual([])
    const { verdict } = factsOf(world)
    expect(verdict).toMatchObject({
      kind: 'refused',
      problems: [{ pointer: '/schema/required/2', message: expect.stringContaining('leave it optional') }],
    })
  })

  test('settings that somebody changed by hand are no reason against the spec', () => {
    const edited = only('ConfigMap', 'orders-settings', child => {
      const text = JSON.stringify(Reflect.get(child, 'data')).replace('amount', 'status')
      return { ...child, data: JSON.parse(text) }
    })
    expect(steps(upAndRunning(dataService(), edited))).toEqual(['apply ConfigMap orders-settings'])
  })

  test('a compatible schema migrates first, as any new settings do', () => {
    const before = upAndRunning(dataService())
    const properties = { ...Object(schema?.['properties']), note: { type: 'string' } }
    const owner = dataService(withSpec({ record: { schema: { ...schema, properties } } }))
    expect(steps({ ...before, owner })).toEqual([
      'apply ConfigMap orders-settings',
      expect.stringMatching(/^create Job orders-migrate-/),
    ])
  })

  test('an unusable schema does not stop kubectl scale', () => {
    const before = upAndRunning(dataService())
    const owner = dataService(withSpec({ replicas: 5, record: { key: '/nowhere' } }))
    expect(steps({ ...before, owner })).toEqual([
      'apply HorizontalPodAutoscaler orders-gateway',
      'scale orders-gateway 5',
    ])
  })

  test('a larger volume enlarges the claims of the pods, and nothing else changes but what is told', () => {
    const before = upAndRunning(dataService())
    const storage = { size: '20Gi' }
    const owner = dataService(withSpec({ postgres: { managed: { instances: 1, storage } } }))
    expect(steps({ ...before, owner })).toEqual([
      'apply ConfigMap orders-settings',
      // Those of replicas that went are there for when they come back.
      `grow ${[0, 1, 2, 3, 4].map(ordinal => `data-orders-postgres-${ordinal}`).join()} to 20Gi`,
    ])
  })

  test('paused: nothing is written', () => {
    const owner = dataService(withAnnotation(annotationKeys.paused, 'true'), withSpec({ replicas: 9 }))
    expect(steps({ ...upAndRunning(dataService()), owner })).toEqual([])
  })

  test('while a user has to act first nothing is written but certificates that come to their end', () => {
    const facts = factsOf({ ...upAndRunning(dataService()), owner: dataService(withSpec({ replicas: 9 })) })
    const from = new Date('2026-01-01T00:00:00Z')
    const seen = {
      trusted: [{ generation: 1, certificate: '', from, until: from }],
      ...{ issuer: 1, from, until: from },
    }
    const due = {
      ...{ do: 'certify' as const, trusted: seen.trusted, issue: 2, at: from, lives },
      wish: { trusts: [1], issuer: 1, drops: [] },
    }
    const stepsWith = (wish: CertificateWish) => {
      const certificates = { seen, due: { ...due, wish } }
      const block = { reason: 'ClassMissing' as const, message: '' }
      return told(decide({ ...facts, certificates, block }).steps)
    }
    expect(stepsWith(due.wish)).toEqual(['certify 1'])
    expect(stepsWith({ trusts: [1, 2], issuer: 1, makes: 2, drops: [] })).toEqual([])
  })

  test('a drifted topic is put back, a grown one is let be', () => {
    const world = upAndRunning(dataService())
    const [events, deadLetters, ...others] = world.topics.topics
    if (events === undefined || deadLetters === undefined) throw new Error('two topics expected')
    const drifted = { ...events, config: { ...events.config, 'retention.ms': '1' } }
    const grown = { ...deadLetters, partitions: 9 }
    expect(steps({ ...world, topics: { kind: 'described', topics: [drifted, grown, ...others] } })).toEqual([
      'topics configure',
    ])
  })
})
