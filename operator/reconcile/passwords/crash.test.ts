/** The operator fails or dies at any write of a rotation; the next one comes to the same end, by no other passwords. */
import { describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { dying, Killed } from '#operator/testing/dying.ts'
import { finalState, type Rehearsal, rehearse, untilSettled } from '#operator/testing/rehearsal.ts'

const service = dataService(withSpec({ backup: { schedule: '0 3 * * *' } }))

async function ask({ cluster, key }: Rehearsal, wish: string): Promise<void> {
  const stored = await cluster.get<DataService>({ kind: 'DataService', ...key })
  if (stored === undefined) throw new Error('the DataService is gone')
  const { apiVersion, kind } = stored
  const annotations = { [annotationKeys.rotatePasswords]: wish }
  await cluster.as('user').apply({ apiVersion, kind, metadata: { ...key, annotations } })
}

const secretNames = ['orders-identity', 'orders-credentials', 'orders-passwords-1', 'orders-passwords-2']

/** Annotations of the Secrets that there are, by name. */
async function secretsOf({ cluster, key: { namespace } }: Rehearsal): Promise<Record<string, object>> {
  const found = secretNames.map(name => cluster.get<KubernetesObject>({ kind: 'Secret', namespace, name }))
  const there = (await Promise.all(found)).filter(secret => secret !== undefined)
  return Object.fromEntries(there.map(({ metadata: { name, annotations = {} } }) => [name, annotations]))
}

const everything = async (rehearsal: Rehearsal): Promise<object> => ({
  secrets: await secretsOf(rehearsal),
  ...(await finalState(rehearsal)),
})

async function settled(): Promise<Rehearsal> {
  const rehearsal = await rehearse(service)
  await untilSettled(rehearsal)
  return rehearsal
}

async function undisturbed() {
  const rehearsal = await settled()
  const before = rehearsal.cluster.writes.length
  await ask(rehearsal, 'june')
  await untilSettled(rehearsal)
  const writes = rehearsal.cluster.writes.length
  return { rehearsal, before, writes, end: await everything(rehearsal) }
}

const whole = await undisturbed()
const duringRotation = Array.from({ length: whole.writes - whole.before - 1 }, (_, at) => at + 1)
const manyRunsMs = 120_000

describe('a rotation comes to the same end', { timeout: manyRunsMs }, () => {
  test('undisturbed: one new Secret, everybody has it, and the next ones take turns', async () => {
    const text = JSON.stringify(whole.end)
    expect(text).toContain('passwords 2 open the engines, and no earlier ones')
    expect(text).toContain('all parts are ready')
    expect(duringRotation.length).toBeGreaterThan(10)
    const { rehearsal } = whole
    const names = async () => Object.keys(await secretsOf(rehearsal)).slice(2)
    expect(await names()).toEqual(['orders-passwords-2'])
    await ask(rehearsal, 'july')
    await untilSettled(rehearsal)
    expect(await names()).toEqual(['orders-passwords-1'])
    expect(JSON.stringify(await everything(rehearsal))).toContain('passwords 3 open the engines')
  })

  test.each(['request', 'answer'] as const)('whichever write fails, its %s lost', async lost => {
    for (const k of duringRotation) {
      const rehearsal = await settled()
      rehearsal.cluster.failWrite(1 + k, { lost }) // the wish is the first write
      await ask(rehearsal, 'june')
      await untilSettled(rehearsal)
      expect(await everything(rehearsal), `write ${k}`).toEqual(whole.end)
    }
  })

  test('killed after any write', async () => {
    let kills = 0
    for (const k of duringRotation) {
      const rehearsal = await settled()
      await ask(rehearsal, 'june')
      const end = await untilSettled(rehearsal, dying(rehearsal.cluster, k)).then(
        () => 'whole',
        (error: unknown) => error,
      )
      if (end instanceof Killed) kills += 1
      await untilSettled(rehearsal) // by an operator that remembers nothing
      expect(await everything(rehearsal), `write ${k}`).toEqual(whole.end)
    }
    expect(kills).toBeGreaterThan(10)
  })

  test('asked for something else after any write, and then not at all: turns end one after the other', async () => {
    for (const k of duringRotation) {
      const rehearsal = await settled()
      await ask(rehearsal, 'june')
      await untilSettled(rehearsal, dying(rehearsal.cluster, k)).catch(error => {
        if (!(error instanceof Killed)) throw error
      })
      await ask(rehearsal, 'july')
      await untilSettled(rehearsal)
      const text = JSON.stringify(await everything(rehearsal))
      expect(text, `write ${k}`).toContain('"dataservice.dev/passwords-rotated":"july"')
      expect(text, `write ${k}`).toMatch(/passwords [23] open the engines, and no earlier ones/)
    }
  })
})
