/** The whole path on a real cluster, as a user walks it; then every part is killed once, and the account has to balance. */
import { expect, test } from 'vitest'
import { flightRecords, flights } from '#e2e/stack/flights.ts'
import { postRecords } from '#e2e/stack/post.ts'
import { readService, sql, waitUntilReady } from '#e2e/stack/service.ts'
import { killPod, podsOf } from './kill.ts'
import { storedAfter } from './ledger.ts'
import { complaints, judge } from './oracle.ts'
import { allPages } from './pages.ts'
import { settledIn } from './settled.ts'
import { cluster, gatewayUrl } from './stack.ts'

const { namespace, name } = flights

test('what was acknowledged is what Postgres holds, and pages of GET return all of it once, bytes as sent', async () => {
  const kubernetes = await cluster()
  const newest = (await sql(kubernetes, flights, 'SELECT max(id::text) FROM records')).trim()
  const records = await flightRecords()
  const posted = await postRecords(records, {
    url: gatewayUrl(),
    batch: 250,
    concurrency: 4,
    patienceMs: 60_000,
  })
  expect(posted.acknowledged.size).toBe(records.length)
  // A request that got no answer was sent again, and may be stored, too.
  await settledIn(60_000, async () => {
    const verdict = await judge({ ...posted, stored: await storedAfter(kubernetes, flights, newest) })
    expect(complaints(verdict)).toEqual([])
  })

  const read = await settledIn(60_000, async () => {
    const rows = Number(await sql(kubernetes, flights, 'SELECT count(*) FROM records'))
    const pages = await allPages(gatewayUrl(), '/data?limit=1000')
    expect([pages.length, new Set(pages.map(({ id }) => id)).size]).toEqual([rows, rows])
    return pages
  })
  const verdict = await judge({ ...posted, stored: read.filter(({ id }) => id > newest) })
  expect(complaints(verdict)).toEqual([])
})

test('one record: 202 with id and position, found by its id, given again from memory, found by a declared index', async () => {
  const text = '{"date":"2001/02/03 04:05","delay":-7,"distance":1e2,"origin":"ZZZ","destination":"QQQ"}'
  const posted = await fetch(`${gatewayUrl()}/data`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text,
  })
  expect(posted.status).toBe(202)
  const { id, position } = (await posted.json()) as { id: string; position: string }
  expect(posted.headers.get('location')).toBe(`/data/${id}`)
  expect(position).toMatch(/^\d+-\d+$/)
  await settledIn(30_000, async () => {
    const got = await fetch(`${gatewayUrl()}/data/${id}`)
    expect(got.status).toBe(200)
    expect(await got.text()).toContain(`"record":${text}}`)
  })
  // Each gateway has a memory of its own.
  await settledIn(30_000, async () => {
    const again = await fetch(`${gatewayUrl()}/data/${id}`)
    expect(again.headers.get('age')).toMatch(/^\d+$/)
    expect(await again.text()).toContain(`"record":${text}}`)
  })
  const found = await fetch(`${gatewayUrl()}/data?origin=ZZZ&destination=QQQ`)
  expect(((await found.json()) as { items: unknown[] }).items.length).toBeGreaterThan(0)
})

test('a record that does not match the schema is refused with its pointer', async () => {
  const answer = await fetch(`${gatewayUrl()}/data`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '[{"date":"2001/02/03 04:05","delay":1,"distance":1,"origin":"AAA","destination":"BBB"},{"origin":"TOOLONG"}]',
  })
  expect(answer.status).toBe(400)
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect(await answer.json()).toMatchObject({ status: 400, errors: [{ index: 1 }] })
})

test('the page of the API and all it names come from the gateway', async () => {
  const page = await fetch(`${gatewayUrl()}/docs`)
  expect(page.status).toBe(200)
  const named = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url)
  expect(named.length).toBeGreaterThan(3)
  const answers = await Promise.all(named.map(async url => fetch(`${gatewayUrl()}/${url}`)))
  expect(answers.map(({ status }) => status)).toEqual(named.map(() => 200))
  const document = await fetch(`${gatewayUrl()}/openapi.json`)
  expect(await document.json()).toMatchObject({ openapi: '3.1.1', info: { title: `${namespace}/${name}` } })
})

test('kubectl scale gives five ready gateway pods, and back', async () => {
  const kubernetes = await cluster()
  for (const replicas of [5, 3]) {
    await kubernetes.kubectl(['-n', namespace, 'scale', `dsvc/${name}`, `--replicas=${replicas}`])
    // Up at once; down when the autoscaler has seen for a while that fewer are enough.
    await settledIn(120_000, async () => {
      const { status } = await waitUntilReady(kubernetes, flights, { timeoutMs: 120_000 })
      expect(status?.replicas).toBe(replicas)
      expect(await livingPods(status?.selector ?? '')).toHaveLength(replicas)
    })
  }
  const scale = await kubernetes.kubectl([
    'get',
    '--raw',
    `/apis/dataservice.dev/v1alpha1/namespaces/${namespace}/dataservices/${name}/scale`,
  ])
  expect(JSON.parse(scale)).toMatchObject({ spec: { replicas: 3 }, status: { replicas: 3 } })
})

test('kubectl get answers the first question', async () => {
  const kubernetes = await cluster()
  await settledIn(30_000, async () => {
    const table = await kubernetes.kubectl(['-n', namespace, 'get', 'dsvc'])
    expect(table).toMatch(/NAME\s+READY\s+REPLICAS\s+REASON\s+AGE/)
    expect(table).toMatch(/flights\s+True\s+3\s+Ready/)
    const { metadata, status } = await readService(kubernetes, flights)
    expect(status?.observedGeneration).toBe(metadata.generation)
  })
})

/** Names of the pods that are not on their way out. */
async function livingPods(selector: string): Promise<string[]> {
  const kubernetes = await cluster()
  const pods = await kubernetes.kubectl(['-n', namespace, 'get', 'pods', '-l', selector, '-o', 'json'])
  const { items } = JSON.parse(pods) as {
    items: { metadata: { name: string; deletionTimestamp?: string } }[]
  }
  const living = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  expect(living.every(({ metadata }) => metadata.name.startsWith(`${name}-gateway-`))).toBe(true)
  return living.map(({ metadata }) => metadata.name)
}

/** In this order, one at each sixth of the records. */
const victims = ['writer', 'gateway', 'kafka', 'postgres', 'redis'] as const

test('writer, gateway, broker, Postgres and Redis are killed once each while 20,000 records are posted', async () => {
  const kubernetes = await cluster()
  const [newest = ''] = (await sql(kubernetes, flights, 'SELECT max(id::text) FROM records')).split('\n')
  const records = await flightRecords()
  const killed: string[] = []
  const kills: Promise<void>[] = []
  const posted = await postRecords(records, {
    url: gatewayUrl(),
    batch: 50,
    concurrency: 3,
    patienceMs: 120_000,
    onProgress: acknowledged => {
      const victim = victims[killed.length]
      if (
        victim === undefined ||
        acknowledged < ((killed.length + 1) * records.length) / (victims.length + 1)
      )
        return
      killed.push(victim)
      const kill = killOne(victim)
      kill.catch(() => {}) // awaited with the others below
      kills.push(kill)
    },
  })
  await Promise.all(kills)
  expect(killed).toEqual([...victims])
  expect(posted.acknowledged.size).toBe(records.length)

  await waitUntilReady(kubernetes, flights, { timeoutMs: 180_000 })
  await settledIn(120_000, async () => {
    const verdict = await judge({ ...posted, stored: await storedAfter(kubernetes, flights, newest) })
    expect(complaints(verdict)).toEqual([])
  })
})

async function killOne(component: string): Promise<void> {
  const kubernetes = await cluster()
  // A pod may end between the look and the kill: an autoscaler is at work too.
  await settledIn(30_000, async () => {
    const [pod] = await podsOf(kubernetes, flights.namespace, component)
    if (pod === undefined) throw new Error(`no running pod of ${component}`)
    await killPod(kubernetes, flights.namespace, pod)
  })
}
