/** Passwords of a later turn: who gets them, and that everything else stays as it is. */
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { firstPasswords, targetOf } from '#operator/testing/target.ts'
import { desiredChildren } from './children.ts'
import type { Child } from './labels.ts'
import type { ObservedChild, Passwords, Target } from './target.ts'

const service = dataService(withSpec({ backup: { schedule: '0 3 * * *' } }))
const childrenOf = (passwords: Passwords, observed: readonly ObservedChild[] = []) =>
  desiredChildren(targetOf(service, observed, { kind: 'builtIn' }, passwords)).map(({ object }) => object)

const begun: Passwords = { turn: 2, open: [1, 2], done: 1, rotated: 'june' }
const closing: Passwords = { ...begun, open: [2] }

/** The migration of a turn, when it has logged in. */
const migrated: ObservedChild[] = childrenOf(begun)
  .filter(({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('orders-migrate-'))
  .map(job => ({ ...job, status: { conditions: [{ type: 'Complete', status: 'True' }] } }))

const different = (after: readonly Child[], before: readonly Child[]) =>
  after.filter(object => !before.some(child => isDeepStrictEqual(child, object)))
const names = (objects: readonly { kind: string; metadata: { name: string } }[]) =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)

test('the second turn: what differs from the first one is as the golden file says', async () => {
  const objects = different(childrenOf(begun), childrenOf(firstPasswords))
  // Neither an engine nor a gateway restarts for it.
  expect(names(objects)).toEqual([
    'Secret orders-passwords-2',
    'ConfigMap orders-postgres-config',
    'ConfigMap orders-redis-config',
    expect.stringMatching(/^Job orders-migrate-/),
    'CronJob orders-maintain',
    'Deployment orders-writer',
    'Deployment orders-reader',
  ])
  const text = objects
    .filter(({ kind }) => kind === 'Secret' || kind === 'Deployment')
    .map(object => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
  await expect(text.join('---\n')).toMatchFileSnapshot('./golden/passwords.yaml')
})

test('those before are shut out by what Postgres is told, and a Job sees to it', () => {
  const shut = childrenOf(closing, migrated)
  expect(names(different(shut, childrenOf(begun, migrated)))).toEqual([
    'ConfigMap orders-postgres-config',
    'ConfigMap orders-redis-config',
    'Job orders-retire-2',
  ])
  expect(names(different(childrenOf({ ...closing, done: 2 }, migrated), shut))).toEqual([])
})

test('who goes to sleep does not look whether the old ones are shut out: Redis ends before Postgres does', () => {
  const target = targetOf(service, migrated, { kind: 'builtIn' }, closing)
  const made = (asleep: Target['asleep']) =>
    desiredChildren({ ...target, asleep }).filter(({ object }) => object.metadata.name === 'orders-retire-2')
  const moments: Target['asleep'][] = [
    new Set(),
    new Set(['gateway', 'writer']),
    new Set(['reader']),
    new Set(['postgres']),
  ]
  expect(moments.map(asleep => made(asleep).length)).toEqual([1, 1, 0, 0])
})

test('backups come in by the new passwords as soon as the migration has', () => {
  expect(names(different(childrenOf(begun, migrated), childrenOf(begun)))).toEqual([
    'ConfigMap orders-backup-config',
    'StatefulSet orders-backup',
    'CronJob orders-backup',
  ])
})

test('an odd turn has the first users again, with passwords of its own', () => {
  const third = childrenOf({ turn: 3, open: [2, 3], done: 2, rotated: 'july' })
  const text = (name: string) => JSON.stringify(third.filter(({ metadata }) => metadata.name === name))
  expect(text('orders-writer')).toContain('"secretName":"orders-passwords-1"')
  expect(text('orders-writer')).toContain('{"name":"DATASERVICE_TURN","value":"3"}')
  expect(text('orders-postgres-config')).toContain('"logins-1":"3\\n","logins-2":"2\\n"')
  expect(text('orders-passwords-2')).toContain('"turn":"2"')
})

test('no password stands anywhere but in a Secret', () => {
  const others = childrenOf(begun).filter(({ kind }) => kind !== 'Secret')
  expect(JSON.stringify(others)).not.toContain('password-of-')
})
