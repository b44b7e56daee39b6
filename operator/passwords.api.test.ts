/** Other passwords for Postgres, against a real API server; pods and their controllers are played by hand. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { deployedParts, engineParts } from './desired/names.ts'
import { operatorRequests, type RunningOperator, runOperator } from './testing/api-server.ts'
import { smallestManifest } from './testing/data-service.ts'
import { patchStatus, playMigration, playPods } from './testing/played.ts'

let namespace = ''
let operator: RunningOperator
beforeAll(async () => {
  namespace = await newNamespace('passwords')
  operator = await runOperator(namespace)
})
afterAll(() => operator.stop())

const patience = 30_000
const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])
const get = (what: string, path: string): Promise<string> =>
  inNamespace('get', what, '-o', `jsonpath={${path}}`)
const wish = (value: string) =>
  inNamespace('annotate', 'dsvc/orders', '--overwrite', `dataservice.dev/rotate-passwords=${value}`)

async function condition(type: string): Promise<string> {
  const { status } = JSON.parse(await inNamespace('get', 'dsvc/orders', '-o', 'json')) as DataService
  const found = status?.conditions?.find(each => each.type === type)
  return `${found?.status}/${found?.reason} ${found?.message}`
}

const passwordSecrets = async (): Promise<string[]> =>
  (await inNamespace('get', 'secrets', '-o', 'name')).split('\n').filter(name => name.includes('passwords'))

/** Of whom the writers have the password. */
const writersHave = () =>
  get('deployment/orders-writer', '.spec.template.spec.volumes[?(@.name=="credentials")].secret.secretName')
/** Who may log in, as Postgres is told. */
const told = () => get('configmap/orders-postgres-config', '.data.logins-1}{.data.logins-2')

async function comeUp(): Promise<void> {
  await settledIn(patience, async () => {
    for (const part of engineParts) await playPods(namespace, `statefulset/orders-${part}`)
  })
  await settledIn(patience, () => playMigration(namespace))
  await roll()
}

async function roll(): Promise<void> {
  await settledIn(patience, async () => {
    for (const part of deployedParts) await playPods(namespace, `deployment/orders-${part}`)
    expect(await condition('Ready')).toContain('True/Ready')
  })
}

const holder = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'orders-maintain-x',
    labels: {
      'app.kubernetes.io/name': 'dataservice',
      'app.kubernetes.io/instance': 'orders',
      'app.kubernetes.io/component': 'maintain',
      'app.kubernetes.io/managed-by': 'dataservice-operator',
    },
  },
  spec: {
    serviceAccountName: 'orders-jobs',
    containers: [{ name: 'maintain', image: 'example.test/dataservice:1' }],
    volumes: [
      {
        name: 'credentials',
        secret: {
          secretName: 'orders-credentials',
          items: [{ key: 'postgres-owner-password', path: 'postgres-password' }],
        },
      },
    ],
  },
}

test('new passwords stand beside the old ones, and pods move only when Postgres has taken them', async () => {
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: smallestManifest })
  await comeUp()
  expect([await passwordSecrets(), await told()]).toEqual([[], '1\nclosed\n'])
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(holder) })
  await wish('june')
  await settledIn(patience, async () =>
    expect(await passwordSecrets()).toEqual(['secret/orders-passwords-2']),
  )
  await settledIn(patience, async () =>
    expect(await condition('PasswordsRotated')).toContain('False/PasswordsChanging'),
  )
  expect([await told(), await writersHave()]).toEqual(['1\n2\n', 'orders-credentials'])
  await settledIn(patience, () => playMigration(namespace))
  await roll()
  expect(await writersHave()).toBe('orders-passwords-2')
})

test('as long as one pod has the old ones they stay, also for an operator that was just started', async () => {
  await operator.stop()
  operator = await runOperator(namespace)
  await wish('july') // in the middle: it has to wait
  await settledIn(patience, async () =>
    expect(await condition('PasswordsRotated')).toContain('False/PasswordsChanging'),
  )
  expect(await told()).toBe('1\n2\n')
  await patchStatus(namespace, 'pod/orders-maintain-x', { phase: 'Succeeded' })
  await settledIn(patience, async () => expect(await told()).toBe('closed\n2\n'))
  await settledIn(patience, async () =>
    expect(await condition('PasswordsRotated')).toContain('False/PasswordsClosing'),
  )
  expect(await get('job/orders-retire-2', '.metadata.name')).toBe('orders-retire-2')
})

test('when the Job has seen that they open nothing the turn is over, and the wish that waited comes next', async () => {
  await playMigration(namespace) // the Job that is due
  await settledIn(patience, async () =>
    expect(await passwordSecrets()).toEqual(['secret/orders-passwords-1', 'secret/orders-passwords-2']),
  )
  await settledIn(patience, async () => expect(await told()).toBe('3\n2\n'))
  await settledIn(patience, () => playMigration(namespace))
  await roll()
  await settledIn(patience, async () => expect(await told()).toBe('3\nclosed\n'))
  await settledIn(patience, () => playMigration(namespace))
  await settledIn(patience, async () =>
    expect(await passwordSecrets()).toEqual(['secret/orders-passwords-1']),
  )
  await settledIn(patience, async () =>
    expect(await condition('PasswordsRotated')).toBe(
      'True/PasswordsNew passwords 3 open the engines, and no earlier ones',
    ),
  )
  expect(await inNamespace('get', 'jobs', '-o', 'name')).not.toContain('retire')
})

test('no password stands in anything but a Secret, and at rest nothing is written', async () => {
  const secrets = JSON.parse(await inNamespace('get', 'secrets', '-o', 'json')) as {
    items: { data?: Record<string, string> }[]
  }
  const words = secrets.items
    .flatMap(({ data = {} }) => Object.entries(data))
    .filter(([key]) => key.endsWith('-password'))
    .map(([, text]) => Buffer.from(text, 'base64').toString())
  expect(words.length).toBeGreaterThan(5)
  const kinds = 'dsvc,configmaps,deployments,statefulsets,jobs,cronjobs,events,pods'
  const all = await inNamespace('get', kinds, '-o', 'json')
  expect(words.filter(word => all.includes(word))).toEqual([])
  const writes = async () =>
    (await operatorRequests(namespace)).filter(
      ({ verb, objectRef }) => objectRef?.resource === 'secrets' && verb !== 'get',
    ).length
  const before = await writes()
  await inNamespace('annotate', 'dsvc/orders', 'example.test/other=x')
  await roll()
  expect(await writes()).toBe(before)
})

test('a DataService of the same name finds the passwords of now, and takes its wish for obeyed', async () => {
  await inNamespace('delete', 'dsvc/orders')
  // No garbage collector runs here.
  await inNamespace('delete', 'deployments,statefulsets,jobs,cronjobs,configmaps,services', '--all')
  await inNamespace('delete', 'serviceaccounts,poddisruptionbudgets,networkpolicies,hpa', '--all')
  expect(await passwordSecrets()).toEqual(['secret/orders-passwords-1'])
  const again = JSON.parse(smallestManifest) as { metadata: object }
  const annotations = { 'dataservice.dev/rotate-passwords': 'july' }
  const input = JSON.stringify({ ...again, metadata: { ...again.metadata, annotations } })
  await kubectl(['-n', namespace, 'apply', '-f', '-'], { input })
  await comeUp()
  expect([await told(), await writersHave()]).toEqual(['3\nclosed\n', 'orders-passwords-1'])
  expect(await condition('PasswordsRotated')).toContain('True/PasswordsNew')
})
