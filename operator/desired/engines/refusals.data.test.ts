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
  /** Brokers that held data. Default: one. */
  heldBrokers?: number
  /** Files in the volume: path -> text. */
  files: Record<string, string>
}

/** What begins with an empty volume ends so here, as soon as it is started. */
const began = 42

/** Runs the script of an engine on a volume; answers its exit code and its last words. */
function start(part: DataPart, { held, heldBrokers = 1, files }: Volume) {
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
  writeFileSync(join(at('config'), initialisedFile), `${held}\n`)
  writeFileSync(join(at('config'), heldBrokersFile), `${heldBrokers}\n`)
  writeFileSync(join(at('config'), primaryFile), '0\n')
  writeFileSync(at('last-words'), '')
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(at('data'), path, '..'), { recursive: true })
    writeFileSync(join(at('data'), path), text)
  }
  for (const program of ['java', 'initdb'])
    writeFileSync(join(at('bin'), program), `#!/bin/sh\nexit ${began}\n`, { mode: 0o755 })
  const env = { PATH: `${at('bin')}:/usr/bin:/bin`, POD_NAME: `orders-${part}-0`, CLUSTER_ID: 'ours' }
  const { status } = spawnSync('sh', [join(at('config'), 'start.sh')], { env, encoding: 'utf8' })
  return { status, words: parseLastWords(readFileSync(at('last-words'), 'utf8')) }
}

test.each(['kafka', 'postgres'] as const)('%s ends at an empty volume that held data', part => {
  expect(start(part, { held: true, files: {} })).toEqual({
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
  const { status, words } = start('kafka', { held: true, heldBrokers: 0, files: {} })
  expect(words).toBeUndefined()
  expect(status).toBe(began)
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
