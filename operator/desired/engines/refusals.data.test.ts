/** The start scripts as they are shipped, run by a shell, where they have to refuse a volume. No engine is started. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { lastWordsPath, parseLastWords } from '#dataservice/contract/last-words.ts'
import type { DataPart } from '#operator/desired/names.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { configPath, heldBrokersFile, initialisedFile, primaryFile } from './engine.ts'
import { engines } from './engines.ts'

const folder = mkdtempSync(join(tmpdir(), 'refusals-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Volume {
  held: boolean
  /** Of its pod. Default: 0. */
  ordinal?: number
  /** Files in the volume: path -> text. */
  files: Record<string, string>
}

/** What begins with an empty volume ends so here, as soon as it is started. */
const began = 42

/** Runs the script of an engine on a volume; answers its exit code and its last words. */
function start(part: DataPart, { held, ordinal = 0, files }: Volume) {
  const root = mkdtempSync(join(folder, `${part}-`))
  const at = (path: string) => join(root, path)
  const { dataPath = '' } = engines[part]
  const places = new Map([
    [configPath, at('config')],
    [dataPath, at('data')],
    ['/run/kafka', at('run')],
    ['/var/run/postgresql', at('run')],
    [lastWordsPath, at('last-words')],
  ])
  const moved = (text: string) => [...places].reduce((all, [from, to]) => all.replaceAll(from, to), text)
  for (const name of ['bin', 'config', 'data', 'run']) mkdirSync(at(name))
  const shipped = engines[part].files(targetOf(dataService()))
  for (const [name, text] of Object.entries(shipped)) writeFileSync(join(at('config'), name), moved(text))
  const state =
    part === 'kafka' ? { [heldBrokersFile]: Number(held) } : { [initialisedFile]: held, [primaryFile]: 0 }
  for (const [name, value] of Object.entries(state)) writeFileSync(join(at('config'), name), `${value}\n`)
  writeFileSync(at('last-words'), '')
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(at('data'), path, '..'), { recursive: true })
    writeFileSync(join(at('data'), path), text)
  }
  for (const program of ['java', 'initdb'])
    writeFileSync(join(at('bin'), program), `#!/bin/sh\necho "$@"\nexit ${began}\n`, { mode: 0o755 })
  const env = {
    PATH: `${at('bin')}:/usr/bin:/bin`,
    POD_NAME: `orders-${part}-${ordinal}`,
    CLUSTER_ID: 'ours',
  }
  const { status, stdout } = spawnSync('sh', [join(at('config'), 'start.sh')], { env, encoding: 'utf8' })
  return { status, said: stdout, words: parseLastWords(readFileSync(at('last-words'), 'utf8')) }
}

test.each(['kafka', 'postgres'] as const)('%s ends at an empty volume that held data', part => {
  expect(start(part, { held: true, files: {} })).toMatchObject({
    status: 1,
    words: { reason: 'VolumeLost', text: `the volume of orders-${part}-0 is empty` },
  })
})

test.each(['kafka', 'postgres'] as const)('%s begins with an empty volume that never held any', part => {
  const { status, words } = start(part, { held: false, files: {} })
  expect(words).toBeUndefined()
  expect(status).toBe(began)
})

test('a broker that comes later than the data begins with an empty volume', () => {
  const begun = (held: boolean) => start('kafka', { held, ordinal: 1, files: {} })
  expect(begun(true)).toMatchObject({ status: began, words: undefined })
  expect([begun(true).said, begun(false).said]).toEqual([
    expect.stringContaining('--no-initial-controllers'),
    expect.stringContaining('--standalone'),
  ])
})

test.each([
  ['kafka', { 'log/meta.properties': 'version=1\ncluster.id=theirs\n' }, 'belongs to Kafka cluster theirs'],
  ['postgres', { 'pgdata/PG_VERSION': '16\n' }, 'holds Postgres 16'],
] as const)('%s does not touch a volume that is not its own', (part, files, says) => {
  const { status, words } = start(part, { held: true, files })
  expect(status).toBe(1)
  expect(words?.reason).toBe('VolumeMismatch')
  expect(words?.text).toContain(says)
})
