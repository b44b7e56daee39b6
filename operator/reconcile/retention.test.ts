import { describe, expect, test } from 'vitest'
import { heldBrokersFile, initialisedFile } from '#operator/desired/engines/engine.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Change, dataService, withAnnotation, withSpec } from '#operator/testing/data-service.ts'
import { refusedPod } from '#operator/testing/refused-pod.ts'
import { rehearse, startedOn } from '#operator/testing/rehearsal.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'
import { decide } from './decide.ts'
import type { Step } from './plan.ts'

const asked = (part: string): Change => withAnnotation(annotationKeys.reinitialise, part)
const identity = (marks: Record<string, string>) => ({
  'orders-identity': {
    ...(marks[annotationKeys.initialised]?.includes('kafka') && { [annotationKeys.heldBrokers]: '1' }),
    ...marks,
  },
})
const { initialised, reinitialised } = annotationKeys

/** No broker held data. */
const emptyLog = 'orders-kafka-config: 0'

/** The steps that write or remove what this file is about. */
const told = (world: World): string[] => decide(factsOf(world)).steps.flatMap(step => tell(step))

function tell(step: Step): string[] {
  if (step.do === 'remove') return [`remove ${step.kind}`]
  if (step.do !== 'apply') return []
  const { kind, metadata } = step.object
  if (kind === 'ConfigMap' && 'data' in step.object) {
    const { data } = step.object as { data?: Record<string, string> }
    const state = data?.[heldBrokersFile] ?? data?.[initialisedFile]
    return state === undefined ? [] : [`${metadata.name}: ${state.trim()}`]
  }
  if (kind !== 'Secret') return []
  const marks = [initialised, reinitialised].map(key => metadata.annotations?.[key] ?? '-')
  return [`${metadata.name}: ${marks.join(' ')} ${metadata.ownerReferences === undefined ? 'kept' : 'owned'}`]
}

/** A world whose StatefulSet of a part has no ready pod. */
const without = (part: string) =>
  only('StatefulSet', `orders-${part}`, child => ({
    ...child,
    status: { ...child.status, readyReplicas: 0 },
  }))

const lost = (part: string): ObservedChild =>
  refusedPod(part, `VolumeLost: the volume of orders-${part}-0 is empty`)

describe('what is recorded about the volumes', () => {
  test('nothing before the first Ready: an empty volume is a first start', () => {
    const world = upAndRunning(dataService(), without('kafka'))
    const steps = told({ ...world, marks: identity({ [initialised]: 'postgres' }) })
    expect(steps).toEqual([emptyLog])
  })

  test('a part with its first Ready holds data from then on', () => {
    const world = { ...upAndRunning(dataService()), marks: {} }
    expect(told(world)).toEqual(['orders-identity: kafka,postgres - kept'])
  })

  test('what was recorded stays, whether the part is ready or not', () => {
    expect(told(upAndRunning(dataService(), without('kafka')))).toEqual([])
  })

  test('an engine that restarts does not roll for it', () => {
    const [before, after] = ['', 'kafka,postgres'].map(marks => {
      const world = {
        ...upAndRunning(dataService(), without('kafka')),
        marks: identity({ [initialised]: marks }),
      }
      return decide(factsOf(world)).steps.filter(
        step => step.do === 'apply' && step.object.kind === 'StatefulSet',
      )
    })
    expect(before).toEqual(after)
  })
})

describe('the DataService before took a part along', () => {
  const { leavesWith, beginnings } = annotationKeys
  const succeeding = (part: string, uid: string) => ({
    ...upAndRunning(dataService(), without(part)),
    marks: identity({ [initialised]: 'kafka,postgres', [leavesWith]: `${uid} ${part}` }),
  })
  const marksOf = (world: World) =>
    decide(factsOf(world)).steps.flatMap(step =>
      step.do === 'apply' && step.object.kind === 'Secret' ? [step.object.metadata.annotations] : [],
    )

  test.each(['kafka', 'postgres'])(
    'its empty volume of %s is a first start, and that it is another is counted',
    part => {
      const world = succeeding(part, 'uid-of-another')
      expect(told(world)).toContain(part === 'kafka' ? emptyLog : 'orders-postgres-config: false')
      const kept = part === 'kafka' ? 'postgres' : 'kafka'
      expect(marksOf(world)).toEqual([expect.objectContaining({ [initialised]: kept, [beginnings]: '1' })])
      expect(marksOf(world)[0]).not.toHaveProperty(leavesWith)
    },
  )

  test.each([
    ['2', '3'],
    ['1.5', '1'],
    ['many', '1'],
  ])('after %s beginnings it is number %s', (counted, next) => {
    const world = succeeding('kafka', 'uid-of-another')
    const marks = { 'orders-identity': { ...world.marks['orders-identity'], [beginnings]: counted } }
    expect(marksOf({ ...world, marks })).toEqual([expect.objectContaining({ [beginnings]: next })])
  })

  test('while it lives nothing of that holds: an empty volume is a loss', () => {
    expect(told(succeeding('kafka', 'uid-of-orders'))).not.toContain(emptyLog)
  })

  test('what goes with this one is said on the Secret, which stays with the rest', () => {
    const owner = dataService(withSpec({ kafka: { deletionPolicy: 'Delete' } }))
    expect(marksOf(upAndRunning(owner))).toEqual([
      expect.objectContaining({ [leavesWith]: 'uid-of-orders kafka', [initialised]: 'kafka,postgres' }),
    ])
  })
})

describe('who owns the Secrets', () => {
  const rows: [spec: Parameters<typeof withSpec>[0], isOwned: boolean][] = [
    [{ deletionPolicy: 'Delete' }, true],
    [{ deletionPolicy: 'Delete', postgres: { deletionPolicy: 'Retain' } }, false],
    [{ deletionPolicy: 'Delete', backup: { deletionPolicy: 'Retain' } }, false],
    [{ kafka: { deletionPolicy: 'Delete' } }, false],
    [{ kafka: { deletionPolicy: 'Delete' }, postgres: { deletionPolicy: 'Delete' } }, true],
  ]
  test.each(rows)('%j: nobody, where a part stays (%s)', (spec, isOwned) => {
    const steps = told(upAndRunning(dataService(withSpec(spec))))
    expect(steps.filter(step => step.endsWith('owned'))).toHaveLength(isOwned ? 2 : 0)
  })
})

describe('the annotation reinitialise', () => {
  const down = (part: string, ...changes: Change[]): World => ({
    ...upAndRunning(dataService(...changes), without(part)),
    pods: [lost(part)],
  })

  test('nothing happens without it', () => {
    expect(told(down('kafka'))).toEqual([])
  })

  test('opens a lost part, once', () => {
    expect(told(down('kafka', asked('kafka')))).toEqual([
      emptyLog,
      'orders-identity: postgres kafka kept',
      'remove Pod',
    ])
  })

  test('for Postgres the migration is done again', () => {
    expect(told(down('postgres', asked('postgres')))).toEqual([
      'remove Job',
      'orders-postgres-config: false',
      'orders-identity: kafka postgres kept',
      'remove Pod',
    ])
  })

  test('a Postgres that came up anew holds no data while the old migration is there', () => {
    const world = upAndRunning(dataService(asked('postgres')))
    const marks = identity({ [initialised]: 'kafka', [reinitialised]: 'postgres' })
    expect(told({ ...world, marks })).toEqual(['remove Job', 'orders-postgres-config: false'])
    const migrating = upAndRunning(dataService(asked('postgres')), child =>
      child.kind === 'Job' ? undefined : child,
    )
    expect(told({ ...migrating, marks })).toContain('orders-identity: kafka,postgres postgres kept')
  })

  test('another part than the lost one changes nothing', () => {
    expect(told(down('kafka', asked('redis')))).toEqual([])
    expect(told(down('kafka', asked('postgres')))).toEqual(['orders-identity: kafka,postgres postgres kept'])
  })

  test('on a part that is well it is used up without effect', () => {
    const world = upAndRunning(dataService(asked('kafka')))
    expect(told(world)).toEqual(['orders-identity: kafka,postgres kafka kept'])
  })

  test('used up, it does not open a later loss', () => {
    const marks = identity({ [initialised]: 'kafka,postgres', [reinitialised]: 'kafka' })
    expect(told({ ...down('kafka', asked('kafka')), marks })).toEqual([])
  })

  test('removed, it can be set anew', () => {
    const marks = identity({ [initialised]: 'kafka,postgres', [reinitialised]: 'kafka' })
    expect(told({ ...down('kafka'), marks })).toEqual(['orders-identity: kafka,postgres - kept'])
  })

  test('a pod that fails for another reason opens nothing', () => {
    const world = { ...down('kafka', asked('kafka')), pods: [refusedPod('kafka', 'out of memory')] }
    expect(told(world)).toEqual([])
  })
})

describe('the deletion policy', () => {
  const policy = (deletionPolicy: 'Retain' | 'Delete'): Change => withSpec({ deletionPolicy })
  const ownedBy = (uid: string) => ({
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataService',
    name: 'orders',
    uid,
    controller: true,
  })

  test.each([
    ['Delete', ['DataService orders']],
    ['Retain', []],
  ] as const)(
    '%s holds from the first run on: the resource may be gone before the second',
    async (word, owners) => {
      const rehearsal = await rehearse(dataService(policy(word)))
      await startedOn(rehearsal)()
      const { namespace } = rehearsal.key
      for (const name of ['orders-identity', 'orders-credentials']) {
        const secret = await rehearsal.cluster.get({ kind: 'Secret', namespace, name })
        const references = secret?.metadata.ownerReferences ?? []
        expect(references.map(each => `${each.kind} ${each.name}`)).toEqual(owners)
      }
    },
  )

  test('Delete gives the Secrets to the owner; the StatefulSets say it of the volumes', () => {
    expect(told(upAndRunning(dataService(policy('Delete'))))).toEqual([
      'orders-identity: kafka,postgres - owned',
      'orders-credentials: - - owned',
    ])
    const before = upAndRunning(dataService())
    const { steps } = decide(factsOf({ ...before, owner: dataService(policy('Delete')) }))
    const sets = steps.flatMap(step =>
      step.do === 'apply' && step.object.kind === 'StatefulSet' ? [step.object] : [],
    )
    expect(sets.map(({ metadata }) => metadata.name)).toEqual(['orders-kafka', 'orders-postgres'])
    for (const set of sets)
      expect(set).toMatchObject({ spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete' } } })
  })

  test.each([
    ['Delete', []],
    ['Retain', ['orders-identity: kafka,postgres - kept', 'orders-credentials: - - kept']],
  ] as const)('with Secrets that belong to the owner, %s writes %j', (wanted, steps) => {
    const facts = factsOf(upAndRunning(dataService(policy(wanted))))
    const secrets = new Map(
      [...facts.secrets].map(([name, found]) => [
        name,
        { ...found, ownerReferences: [ownedBy('uid-of-orders')] },
      ]),
    )
    expect(decide({ ...facts, secrets }).steps.flatMap(tell)).toEqual(steps)
  })

  test('an apply never makes a Secret: one that was not seen yet gets no mark', () => {
    const { steps } = decide(factsOf({ owner: dataService(policy('Delete')) }))
    expect(steps.filter(step => step.do === 'apply' && step.object.kind === 'Secret')).toEqual([])
  })
})
