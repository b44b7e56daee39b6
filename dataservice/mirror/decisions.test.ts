import { S3ServiceError } from 's3mini'
import { describe, expect, test } from 'vitest'
import { mirrorLine, parseMirrorLine } from '#dataservice/contract/mirror.ts'
import { explained } from '#dataservice/platform/objects/failures.ts'
import { readMirrorEnvironment } from './environment.ts'
import { standing } from './identity.ts'
import { logFile, secondsOf, stampOf } from './layout.ts'
import { needed } from './needed.ts'
import { type StoredCopy, tooOld } from './retention.ts'

const day = 86_400
const start = Date.UTC(2026, 0, 1) / 1000
const segment = (number: number, timeline = 1): string =>
  `${String(timeline).padStart(8, '0')}00000000${number.toString(16).toUpperCase().padStart(8, '0')}`
const copy = (days: number, first: number, { system = '7', timeline = '1' } = {}): StoredCopy => ({
  name: stampOf(start + days * day),
  system,
  timeline,
  first: segment(first),
})
const log = (path: string) => logFile(path) ?? expect.fail(path)
/** A segment of a folder that began so many days after the start. */
const written = (days: number, number: number, { system = '7', timeline = 1, end = '' } = {}) =>
  log(`${system}/${timeline}.${start + days * day}/${segment(number, timeline)}${end}`)
const names = (copies: readonly StoredCopy[]): string[] => copies.map(({ name }) => name)

test('the name of a copy is its time', () => {
  expect(stampOf(start)).toBe('20260101T000000Z')
  expect(secondsOf('20260101T000000Z')).toBe(start)
})

test.each(['7/copied', '7/1.5/copied', 'receiving', '7/1.5/000000010000000000000001.gz', '../7/1.5/x'])(
  '%s is no file of the log',
  path => {
    expect(logFile(path)).toBeUndefined()
  },
)

describe('what is too old', () => {
  const copies = [copy(0, 10), copy(1, 20), copy(2, 30), copy(3, 40)]

  test('copies from before the one where a restore to the beginning starts, and what was written before that', () => {
    const logs = [5, 10, 19, 20, 45].map(number => written(0, number))
    const old = tooOld(copies, logs, 1.5 * day)
    expect(old.copies).toEqual(names(copies.slice(0, 1)))
    expect(old.logs).toEqual(logs.slice(0, 3).map(({ path }) => path))
  })

  test('never the last copy, whatever is kept and whatever the clock says', () => {
    expect(tooOld(copies, [], 1).copies).toEqual(names(copies.slice(0, 2)))
    expect(tooOld([copy(0, 10)], [written(0, 12)], 1)).toEqual({ copies: [], logs: [] })
    expect(tooOld([], [written(0, 12)], 1)).toEqual({ copies: [], logs: [] })
  })

  test('of another system what was over before, and nothing by its places in the log', () => {
    const logs = [
      written(0, 1, { system: '6' }),
      written(0.5, 2, { system: '6' }),
      written(2.5, 3, { system: '6' }),
    ]
    const old = tooOld(copies, logs, 0.5 * day)
    expect(old.logs).toEqual([logs[0]?.path])
  })

  test('nothing of what began later, although a restore to an earlier moment set the log back', () => {
    const logs = [written(0, 15), written(0, 25), written(2.5, 12, { timeline: 2 })]
    const old = tooOld(copies, logs, 1.5 * day)
    expect(old.copies).toEqual(names(copies.slice(0, 1)))
    expect(old.logs).toEqual([logs[0]?.path])
  })

  test('histories stay: they tell which timeline came from which', () => {
    expect(tooOld(copies, [log('7/00000002.history')], 1).logs).toEqual([])
  })
})

describe('what a restore needs', () => {
  const copies = [copy(0, 10), copy(1, 20), copy(3, 30, { timeline: '2' }), copy(4, 1, { system: '8' })]
  const logs = [
    written(0, 15),
    written(0, 25),
    written(0, 26, { end: '.partial' }),
    written(3, 31, { timeline: 2 }),
    log('7/00000002.history'),
    written(4, 2, { system: '8' }),
  ]
  const paths = (wish: Parameters<typeof needed>[2]) => {
    const found = needed(copies, logs, wish)
    return found && [found.copies, logs.filter(each => found.isNeeded(each)).map(({ path }) => path)]
  }

  test('the last: the newest copy of the newest history, and what was written since', () => {
    expect(paths({})).toEqual([[copies[3]?.name], [logs[5]?.path]])
  })

  test('a moment: of what had begun by then', () => {
    const found = paths({ at: start + 2 * day })
    expect(found).toEqual([[copies[1]?.name], [1, 2, 4].map(index => logs[index]?.path)])
  })

  test('a moment of a history that has no copy yet: whichever of its earlier ones leads there', () => {
    const found = needed(copies.slice(0, 2), logs, { at: start + 3.5 * day })
    expect(found?.copies).toEqual(names(copies.slice(0, 2)).reverse())
    expect(logs.filter(each => found?.isNeeded(each))).toHaveLength(5)
  })

  test('a copy by its name needs nothing but itself, and who came from whom', () => {
    expect(paths({ backup: copies[0]?.name ?? '' })).toEqual([[copies[0]?.name], [logs[4]?.path]])
  })

  test('nothing leads to a moment before all copies, or to a copy that is not there', () => {
    expect(needed(copies, logs, { at: start - day })).toBeUndefined()
    expect(needed(copies, logs, { backup: '20200101T000000Z' })).toBeUndefined()
    expect(needed([], logs, {})).toBeUndefined()
  })
})

test.each([
  ['heir', undefined, undefined, {}],
  ['holder', { holder: 'me' }, undefined, {}],
  ['heir', { holder: 'other' }, 'the-id', {}],
  ['heir', { holder: 'other' }, undefined, { archive: 'the-id' }],
  ['foreign', { holder: 'other' }, 'another-id', { archive: 'another-id' }],
  ['foreign', { holder: 'other' }, undefined, {}],
])('%s of %j, with the mark %s on the volume and %j', (expected, stored, onVolume, told) => {
  const mark = (holder: string, id: string) => ({ id, holder, namespace: 'shop', name: 'orders' })
  const verdict = standing(
    stored && mark(stored.holder, 'the-id'),
    onVolume === undefined ? undefined : mark('any', onVolume),
    { uid: 'me', ...told },
  )
  expect(verdict).toBe(expected)
})

describe('failures', () => {
  const where = { bucket: 'b', endpoint: 'https://s3.test' }
  const told = (error: unknown): string => {
    const { reason, message } = explained(error, where)
    return `${reason}: ${message}`
  }
  const answered = (status: number, code: string) =>
    told(new S3ServiceError('', status, 'Unknown', `<Error><Code>${code}</Code></Error>`))

  test.each([
    [answered(403, 'SignatureDoesNotMatch'), /^StoreRefused: .*403 SignatureDoesNotMatch.*secretRef/],
    [answered(404, 'NoSuchBucket'), /^StoreRefused: .*spec\.backup\.s3\.bucket/],
    [answered(301, 'PermanentRedirect'), /^StoreRefused: .*region/],
    [answered(503, 'SlowDown'), /^StoreUnreachable: .*503 SlowDown/],
    [
      told(new TypeError('fetch failed', { cause: coded('ENOTFOUND') })),
      /^StoreUnreachable: .*ENOTFOUND.*endpoint/,
    ],
    [
      told(new TypeError('fetch failed', { cause: coded('CERT_HAS_EXPIRED') })),
      /^StoreRefused: .*caSecretRef/,
    ],
    [told('x'), /^StoreUnreachable: .*no reason/],
  ])('%s', (text, expected) => {
    expect(text).toMatch(expected)
  })
})

const coded = (code: string): Error => Object.assign(new Error('of the socket'), { code })

test('the operator reads what a mirror says, and nothing else', () => {
  const report = { reason: 'StoreForeign', text: 'of another' } as const
  expect(parseMirrorLine(`${mirrorLine(report)}\n`)).toEqual(report)
  expect(parseMirrorLine('partition 3 stopped')).toBeUndefined()
})

test('what a container is told', () => {
  const { task, wish, settingsPath } = readMirrorEnvironment(['fetch'], {
    RESTORE_TIME: '2026-01-01T00:00:00Z',
    RESTORE_BACKUP: '',
  })
  expect({ task, wish, settingsPath }).toEqual({
    task: 'fetch',
    wish: { at: start },
    settingsPath: '/etc/dataservice/mirror/mirror.json',
  })
  expect(() => readMirrorEnvironment(['writer'], {})).toThrow('upload, fetch')
})
