/** Backups that outlive their volume: a real Postgres, its archive, and a real S3 server by TLS. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer, connect as open } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type MirrorSettings, refusedExitCode } from '#dataservice/contract/mirror.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { type S3Server, startS3 } from '#e2e/engines/s3.ts'
import { type ArchivedPostgres, archivedPostgres, giveTo, soon } from './testing/archived-postgres.ts'
import { fetchBackups, type MirrorProcess, type MirrorWish, startMirror } from './testing/mirror-process.ts'

const often = { ...soon, interval: 100 }
const prefix = 'shop/orders'
let postgres: ArchivedPostgres
let s3: S3Server
let volume = ''

beforeAll(async () => {
  postgres = await archivedPostgres()
  volume = join(postgres.data, 'backup')
  const file = (name: string): string => join(postgres.data, 'certificates', name)
  s3 = await startS3({ tls: { certificate: file('tls.crt'), key: file('tls.key') } })
  await postgres.begin()
}, 300_000)

afterAll(async () => {
  await s3?.remove()
  await postgres?.remove()
})

const wish = (settings: Partial<MirrorSettings> = {}, more: Partial<MirrorWish> = {}): MirrorWish => ({
  settings: {
    namespace: 'shop',
    name: 'orders',
    uid: 'uid-1',
    bucket: s3.bucket,
    prefix,
    endpoint: s3.endpoint,
    region: s3.region,
    retainSeconds: 86_400,
    ...settings,
  },
  keys: s3.keys,
  volume,
  authority: postgres.certificates.authority.certificate,
  ...more,
})

/** A mirror that ends with the test. */
async function mirror(...of: Parameters<typeof wish>): Promise<MirrorProcess> {
  const started = await startMirror(wish(...of))
  onTestFinished(() => started.end('SIGKILL'))
  return started
}

const stored = (...path: string[]): string => join(s3.folder, prefix, ...path)
const copies = (): Promise<string[]> => readdir(stored('copies'))
const isComplete = (copy: string): boolean => existsSync(stored('copies', copy, 'complete.json'))

const figure = (text: string, name: string): number =>
  Number(new RegExp(`^dataservice_mirror_${name} (\\S+)`, 'm').exec(text)?.[1])

/** Passes on to the store until something is true, and nothing from then on. */
async function passage(isOver: () => boolean): Promise<string> {
  const port = await freePort()
  const server = createServer(client => {
    const behind = open(Number(new URL(s3.endpoint).port), '127.0.0.1')
    client.on('data', data => void (isOver() || behind.write(data))).on('error', () => {})
    behind.on('data', data => void client.write(data)).on('error', () => {})
    client.on('close', () => behind.destroy())
  })
  server.listen(port, '127.0.0.1')
  onTestFinished(() => void server.close())
  return `https://127.0.0.1:${port}`
}

/** Both volumes are gone; a new one of backups is empty. */
async function loseVolumes(): Promise<void> {
  await postgres.stop()
  await rm(join(postgres.data, 'pgdata'), { recursive: true })
  await rm(volume, { recursive: true })
  await mkdir(volume)
}

/** As the two containers of the Job, one after the other. */
async function restore(at: { time?: string; backup?: string } = {}): Promise<void> {
  const fetched = await fetchBackups(wish(), at)
  expect(fetched.exitCode, fetched.said).toBe(0)
  await giveTo(volume)
  expect(await postgres.restore(at), await postgres.said()).toBe(0)
}

test('a kill in the middle of an upload: the copy does not count until the next one has sent the rest', async () => {
  await postgres.sql(`CREATE TABLE filler AS SELECT decode(string_agg(md5(random()::text), ''), 'hex')
    FROM generate_series(1, 1500000) AS n GROUP BY n % 1000`)
  expect(await postgres.job('backup.sh')).toBe(0)
  const large: string = JSON.parse(await postgres.said()).name
  const part = (number: number): string => stored('copies', large, `base.tar.gz.0000${number}`)
  const killed = await mirror({ endpoint: await passage(() => existsSync(part(0))) })
  await expect.poll(() => existsSync(part(0)), often).toBe(true)
  expect(await killed.readyz()).toContain('StoreBehind')
  await killed.end('SIGKILL')
  expect(isComplete(large)).toBe(false)
  const { mtimeMs } = await stat(part(0))

  const next = await mirror()
  await expect.poll(() => next.readyz(), often).toBe('ready')
  expect(isComplete(large)).toBe(true)
  expect(existsSync(part(1))).toBe(true)
  expect((await stat(part(0))).mtimeMs).toBe(mtimeMs)
  expect((await copies()).sort()).toEqual((await readdir(join(volume, 'base'))).sort())
  const figures = await next.metrics()
  expect(figures).toMatch(/^dataservice_mirror_waiting_files 0$/m)
  expect(Date.now() / 1000 - figure(figures, 'copy_time_seconds')).toBeLessThan(120)
  expect(Date.now() / 1000 - figure(figures, 'time_seconds')).toBeLessThan(60)
  await postgres.sql('DROP TABLE filler')
})

test('keys that are refused and a store that is away are told with the remedy, and it goes on by itself', async () => {
  const wrong = await mirror({}, { keys: { ...s3.keys, secret: 'another' } })
  await expect.poll(() => wrong.readyz(), often).toMatch(/^StoreRefused: .*spec\.backup\.s3\.secretRef/)
  const distrustful = await startMirror({
    ...wish(),
    authority: (await import('node:tls')).rootCertificates[0] ?? '',
  })
  onTestFinished(() => distrustful.end('SIGKILL'))
  await expect
    .poll(() => distrustful.readyz(), often)
    .toMatch(/^StoreRefused: .*not trusted .*spec\.backup\.s3\.caSecretRef/)
  const lost = await mirror({ bucket: 'no-such' })
  await expect
    .poll(() => lost.readyz(), often)
    .toMatch(/^StoreRefused: bucket no-such .*NoSuchBucket.*spec\.backup\.s3\.bucket/)
  const fetched = await fetchBackups(wish({ bucket: 'no-such' }, { volume: join(volume, 'none') }))
  expect([fetched.exitCode, fetched.said]).toEqual([1, expect.stringContaining('no-such')])

  const right = await mirror()
  await expect.poll(() => right.readyz(), often).toBe('ready')
  await s3.stop()
  await expect.poll(() => right.readyz(), often).toMatch(/^StoreUnreachable: bucket backups at https/)
  expect(await postgres.job('ready.sh')).toBe(0)
  await s3.start()
  await expect.poll(() => right.readyz(), often).toBe('ready')
})

test('both volumes are lost: a moment comes back from the store, and later what was written after that', async () => {
  const first = await mirror()
  await postgres.sql('INSERT INTO kept VALUES (2)')
  const moment = await postgres.now()
  await postgres.sql('INSERT INTO kept VALUES (3)')
  await expect.poll(() => first.readyz(), often).toBe('ready')
  await postgres.archive.stop()
  await first.end('SIGTERM')
  await loseVolumes()
  await restore({ time: moment })
  await postgres.start()
  expect(await postgres.values()).toEqual([1, 2])

  const second = await mirror()
  await postgres.sql('INSERT INTO kept VALUES (4)')
  await expect.poll(() => second.readyz(), often).toBe('ready')
  await postgres.archive.stop()
  await second.end('SIGTERM')
  await loseVolumes()
  await restore()
  await postgres.start()
  expect(await postgres.values()).toEqual([1, 2, 4])
})

/** When each copy and each whole segment in the store was written; a segment that grows is sent each minute. */
async function writtenAt(): Promise<Record<string, number>> {
  const files = (await readdir(stored(), { recursive: true })).filter(
    file => /\.gz(\.\d+)?$/.test(file) && !file.includes('.partial.'),
  )
  const times = await Promise.all(
    files.map(async file => [file, (await stat(stored(file))).mtimeMs] as const),
  )
  return Object.fromEntries(times)
}

test('what is not kept any more goes from the store, and is not sent again', async () => {
  const segments = async (): Promise<number> =>
    (await readdir(stored('wal'), { recursive: true })).filter(each => each.endsWith('.gz')).length
  const before = await segments()
  expect(await postgres.job('backup.sh')).toBe(0)
  const newest: string = JSON.parse(await postgres.said()).name
  const sender = await mirror({ retainSeconds: 1 })
  await expect.poll(async () => (await copies()).length, often).toBe(2)
  await expect.poll(segments, often).toBeLessThan(before)
  await expect.poll(() => sender.readyz(), often).toBe('ready')
  expect((await copies()).sort().at(-1)).toBe(newest)
  expect((await readdir(join(volume, 'base'))).length).toBeGreaterThan(2)
  await expect.poll(async () => figure(await sender.metrics(), 'sent_bytes_total'), often).toBeGreaterThan(0)
  const sent = await writtenAt()
  await new Promise(resolve => setTimeout(resolve, 6_000)) // a further round
  expect(sent).toMatchObject(await writtenAt())
  expect((await copies()).length).toBe(2)
})

test('the archive of another one is neither written nor read, unless this one is told to go on with it', async () => {
  const other = await mkdtemp(join(tmpdir(), 'dataservice-other-'))
  onTestFinished(() => rm(other, { recursive: true }))
  const mine = await mirror()
  await expect.poll(() => mine.readyz(), often).toBe('ready')
  const another = { uid: 'uid-2', name: 'others' }
  const stranger = await mirror(another, { volume: other })
  await expect
    .poll(() => stranger.readyz(), often)
    .toMatch(/^StoreForeign: .*DataService shop\/orders .*prefix/)
  const archive = /archive to (\S+)/.exec(await stranger.readyz())?.[1] ?? ''
  const refused = await fetchBackups(wish(another, { volume: other }))
  expect([refused.exitCode, refused.said]).toEqual([
    refusedExitCode,
    expect.stringContaining('spec.backup.s3.archive'),
  ])
  expect(await readdir(other)).toEqual([])

  const heir = await mirror({ ...another, archive }, { volume: other })
  await expect.poll(() => heir.readyz(), often).toBe('ready')
  await expect.poll(() => mine.readyz(), often).toMatch(/^StoreForeign: .*shop\/others/)
  const fetched = await fetchBackups(wish(another, { volume: other }))
  expect(fetched.exitCode, fetched.said).toBe(0)
  expect(await readdir(other)).toEqual(expect.arrayContaining(['base', 'wal']))
})
