import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '#tools/workspace.ts'
import { checkKubernetes, oldestKubernetes, refusalOf, versionIn } from './kubernetes-version.ts'
import { silentLog } from './log.ts'
import { type Answering, json, refusal, scriptedServer } from './testing/scripted-server.ts'
import { createTransport } from './transport.ts'

test.each([
  ['as it is upstream', { major: '1', minor: '34', gitVersion: 'v1.34.4' }, { major: 1, minor: 34 }],
  [
    'a vendor with a plus',
    { major: '1', minor: '30+', gitVersion: 'v1.30.2-gke.1' },
    { major: 1, minor: 30 },
  ],
  [
    'no numbers but the version',
    { major: '', minor: '', gitVersion: 'v1.33.1-k3s1' },
    { major: 1, minor: 33 },
  ],
  ['nothing readable', { gitVersion: 'main' }, undefined],
  ['no object', 'hello', undefined],
])('%s', (_, body, version) => {
  expect(versionIn(body)).toEqual(version)
})

test.each([
  [{ major: 1, minor: 30 }, 'this is Kubernetes 1.30, and the operator needs 1.31 or newer'],
  [{ major: 0, minor: 99 }, 'this is Kubernetes 0.99'],
  [oldestKubernetes, undefined],
  [{ major: 1, minor: 131 }, undefined],
  [{ major: 2, minor: 0 }, undefined],
])('%o: %s', (version, message) => {
  if (message === undefined) expect(refusalOf(version)).toBeUndefined()
  else expect(refusalOf(version)).toContain(message)
})

test('people are told the same in the README', () => {
  const { major, minor } = oldestKubernetes
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`Kubernetes ${major}.${minor} or newer`)
})

/** Asks a server that answers so; `times` is how often it was asked. */
async function asked(answering: Answering, ending = new AbortController()) {
  await using server = await scriptedServer(answering)
  const transport = createTransport({ access: server.access, version: '1.2.3' })
  const limits = { baseMs: 1, maxMs: 1 }
  const { signal } = ending
  const said = await checkKubernetes({ transport, log: silentLog, signal, limits }).then(
    () => 'goes on',
    error => String(error),
  )
  expect(new Set(server.seen.map(({ method, path }) => `${method} ${path}`))).toEqual(
    new Set(['GET /version']),
  )
  return { said, times: server.seen.length }
}

test('one that is new enough is asked once', async () => {
  expect(await asked((_, response) => json(response, { major: '1', minor: '31' }))).toEqual({
    said: 'goes on',
    times: 1,
  })
})

test('one that is too old ends it, with the remedy', async () => {
  const { said } = await asked((_, response) => json(response, { major: '1', minor: '30+' }))
  expect(said).toContain('update the control plane')
})

const unreadable: [string, Answering][] = [
  ['is not told', (_, response) => refusal(response, 403, 'Forbidden')],
  ['cannot be read', (_, response) => json(response, 'hello')],
]
test.each(unreadable)('a version that %s holds nobody up', async (_, answering) => {
  expect(await asked(answering)).toEqual({ said: 'goes on', times: 1 })
})

test('an API server that is not up yet is asked again until it answers', async () => {
  let failures = 0
  const { said, times } = await asked((_, response) => {
    failures += 1
    if (failures < 4) return refusal(response, 503, 'ServiceUnavailable')
    json(response, { major: '1', minor: '34' })
  })
  expect({ said, times }).toEqual({ said: 'goes on', times: 4 })
})

test('whoever is told to end does not wait for it', async () => {
  const ending = new AbortController()
  const { said } = await asked((_, response) => {
    refusal(response, 503, 'ServiceUnavailable')
    ending.abort()
  }, ending)
  expect(said).toBe('goes on')
})
