import { describe, expect, test } from 'vitest'
import { annotationKeys, childLabels } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { type Change, dataService, withAnnotation, withSpec } from '#operator/testing/data-service.ts'
import { oneRun } from '#operator/testing/one-run.ts'
import { operation } from '#operator/testing/operation.ts'
import { factsOf, only, upAndRunning, type World } from '#operator/testing/world.ts'

const asked = (wish: string): Change => withAnnotation(annotationKeys.rotatePasswords, wish)
const marked = (marks: { turn?: string; done?: string; rotated?: string }) => ({
  ...(marks.turn && { [annotationKeys.passwordTurn]: marks.turn }),
  ...(marks.done && { [annotationKeys.passwordsDone]: marks.done }),
  ...(marks.rotated && { [annotationKeys.passwordsRotated]: marks.rotated }),
})

interface Story {
  wish?: string
  changes?: Change[]
  marks?: Parameters<typeof marked>[0]
  secrets?: string[]
  change?: (child: ObservedChild) => ObservedChild | undefined
  more?: Partial<World>
}

/** All is up, with the passwords of the first turn. */
function world({ wish, changes = [], marks = {}, secrets = [], change, more = {} }: Story): World {
  const calm = upAndRunning(dataService(), change)
  const owner = dataService(...changes, ...(wish === undefined ? [] : [asked(wish)]))
  const identity = { ...calm.marks['orders-identity'], ...marked(marks) }
  return {
    ...calm,
    owner,
    secrets: [...calm.secrets, ...secrets],
    marks: { ...calm.marks, 'orders-identity': identity },
    ...more,
  }
}

const passwords = (story: Story) => factsOf(world(story)).target.passwords
const condition = (story: Story) => {
  const { status } = oneRun(world(story))
  const found = status.conditions?.find(({ type }) => type === 'PasswordsRotated')
  return found && `${found.status}/${found.reason}: ${found.message}`
}

/** As a Deployment or CronJob of the second turn. */
const moved = (child: ObservedChild): ObservedChild =>
  ['Deployment', 'CronJob'].includes(child.kind)
    ? {
        ...child,
        spec: JSON.parse(JSON.stringify(child.spec).replaceAll('orders-credentials', 'orders-passwords-2')),
      }
    : child

const second = { turn: '2', rotated: 'june' }
const there = ['orders-passwords-2']

const retired: ObservedChild = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    name: 'orders-retire-2',
    namespace: 'shop',
    uid: 'uid-of-job',
    labels: childLabels('orders', 'retire'),
    ownerReferences: [
      {
        apiVersion: 'dataservice.dev/v1alpha1',
        kind: 'DataService',
        name: 'orders',
        uid: 'uid-of-orders',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: {},
  status: { conditions: [{ type: 'Complete', status: 'True' }] },
}

function withRetired(story: Story): Story {
  const { children = [] } = world(story)
  return { ...story, more: { ...story.more, children: [...children, retired] } }
}

describe('a wish', () => {
  test('nobody has one: the first turn, and no condition speaks of it', () => {
    expect(passwords({})).toEqual({ turn: 1, open: [1], done: 1 })
    expect(condition({})).toBeUndefined()
  })

  test('begins the next turn beside the one before; each value counts once', () => {
    expect(passwords({ wish: 'june' })).toEqual({ turn: 2, open: [1, 2], done: 1, rotated: 'june' })
    const marks = { turn: '2', done: '2', rotated: 'june' }
    const settled = { marks, secrets: there, change: moved }
    expect(passwords({ ...settled, wish: 'june' })).toEqual({ turn: 2, open: [2], done: 2, rotated: 'june' })
    expect(passwords(settled)).toEqual({ turn: 2, open: [2], done: 2, rotated: 'june' })
    expect(condition(settled)).toBeUndefined()
    expect(condition({ ...settled, wish: 'june' })).toBe(
      'True/PasswordsNew: passwords 2 open the engines, and no earlier ones',
    )
    expect(passwords({ ...settled, wish: 'july' })).toEqual({
      turn: 3,
      open: [2, 3],
      done: 2,
      rotated: 'july',
    })
  })

  test('of a DataService that is just made is obeyed by its first passwords', () => {
    const { target } = factsOf({ owner: dataService(asked('june')) })
    expect(target.passwords).toEqual({ turn: 1, open: [1], done: 1, rotated: 'june' })
    const marks = { rotated: 'june' }
    expect(passwords({ wish: 'june', marks })).toEqual({ turn: 1, open: [1], done: 1, rotated: 'june' })
  })

  const postgres = (make: (child: ObservedChild) => ObservedChild) =>
    only('StatefulSet', 'orders-postgres', make)
  const older = postgres(child => {
    const text = JSON.stringify(child.spec).replaceAll('orders-passwords', 'other')
    return { ...child, spec: JSON.parse(text) }
  })
  const starting = postgres(child => ({ ...child, status: { ...child.status, readyReplicas: 0 } }))
  test.each<[string, Story, string]>([
    ['it sleeps', { changes: [withSpec({ lifecycle: 'Hibernated' })] }, 'the DataService is awake'],
    ['an operation is under way', { more: { operations: [operation({ name: 'copy' })] } }, 'is over'],
    ['its pods are of an older operator', { more: { stand: 'due' } }, 'condition Upgraded'],
    [
      'the pods of Postgres follow no passwords',
      { change: older },
      'all pods of StatefulSet orders-postgres',
    ],
    ['a pod of Postgres is not ready', { change: starting }, 'all pods of StatefulSet orders-postgres'],
  ])('waits while %s', (_, story, text) => {
    expect(passwords({ ...story, wish: 'june' })).toEqual({ turn: 1, open: [1], done: 1 })
    expect(condition({ ...story, wish: 'june' })).toMatch(/^False\/PasswordsWaiting: it begins when /)
    expect(condition({ ...story, wish: 'june' })).toContain(text)
  })

  test('for a Postgres of others is refused, and names the remedy', () => {
    const owner = dataService(
      withSpec({ postgres: { external: { host: 'db', database: 'd', secretRef: { name: 'db' } } } }),
      asked('june'),
    )
    const { status } = oneRun({ ...upAndRunning(owner), owner })
    const found = status.conditions?.find(({ type }) => type === 'PasswordsRotated')
    expect(found).toMatchObject({ status: 'False', reason: 'PasswordsElsewhere' })
    expect(found?.message).toContain('postgres.managed')
  })
})

describe('a turn', () => {
  const begun = { marks: second, secrets: there }

  test('goes on whatever is wished meanwhile', () => {
    for (const wish of ['june', 'july', undefined]) {
      const story = { ...begun, ...(wish !== undefined && { wish }) }
      expect(passwords(story)).toEqual({ turn: 2, open: [1, 2], done: 1, rotated: 'june' })
      expect(condition(story)).toMatch(/^False\/PasswordsChanging: /)
    }
  })

  const stays = (kind: string, name: string) => (child: ObservedChild) =>
    child.kind === kind && child.metadata.name === name ? child : moved(child)
  const replacing = (child: ObservedChild) =>
    only('Deployment', 'orders-reader', each => ({
      ...each,
      status: { ...each.status, updatedReplicas: 1 },
    }))(moved(child))
  const holder = (phase: string): ObservedChild => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'orders-maintain-1', namespace: 'shop', labels: childLabels('orders', 'maintain') },
    spec: {
      volumes: [
        {
          name: 'x',
          secret: { secretName: 'orders-credentials', items: [{ key: 'postgres-owner-password' }] },
        },
      ],
    },
    status: { phase },
  })
  test.each<[string, Story]>([
    ['a Deployment makes pods with them', { change: stays('Deployment', 'orders-writer') }],
    ['a CronJob does', { change: stays('CronJob', 'orders-maintain') }],
    ['a Deployment has not replaced all its pods', { change: replacing }],
    ['a pod of a Job has them', { change: moved, more: { pods: [holder('Running')] } }],
  ])('lets the ones before in while %s', (_, story) => {
    expect(passwords({ ...begun, ...story }).open).toEqual([1, 2])
  })

  const closing = { ...begun, change: moved, more: { pods: [holder('Succeeded')] } }

  test('shuts them out as soon as nothing has them, and is done when a Job has seen that', () => {
    expect(passwords(closing)).toEqual({ turn: 2, open: [2], done: 1, rotated: 'june' })
    expect(condition(closing)).toMatch(/^False\/PasswordsClosing: .*Job orders-retire-2/)
    expect(passwords(withRetired(closing))).toEqual({ turn: 2, open: [2], done: 2, rotated: 'june' })
  })

  test('takes away the Secret of the one before, and only then is it done', () => {
    const story = withRetired({
      marks: { turn: '3', done: '2', rotated: 'july' },
      secrets: ['orders-passwords-1', 'orders-passwords-2'],
    })
    const children = (story.more?.children ?? []).map(child =>
      child === retired ? { ...child, metadata: { ...child.metadata, name: 'orders-retire-3' } } : child,
    )
    const last = { ...story, more: { children: children.map(toThird) } }
    expect(passwords(last)).toMatchObject({ turn: 3, open: [3], done: 2 })
    expect(oneRun(world(last)).steps).toContainEqual({
      do: 'remove',
      kind: 'Secret',
      namespace: 'shop',
      name: 'orders-passwords-2',
      uid: 'uid-of-orders-passwords-2',
    })
    expect(passwords({ ...last, secrets: ['orders-passwords-1'] })).toMatchObject({ turn: 3, done: 3 })
  })

  const toThird = (child: ObservedChild): ObservedChild => ({
    ...child,
    spec: JSON.parse(JSON.stringify(child.spec).replaceAll('orders-passwords-2', 'orders-passwords-1')),
  })
})

test('what the identity Secret says in words of somebody else is the first turn', () => {
  expect(passwords({ marks: { turn: 'many', done: '7' } })).toEqual({ turn: 1, open: [1], done: 1 })
})
