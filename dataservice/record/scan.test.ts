import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyBounds, type Scan, scanBody } from './scan.ts'

const json = (text: string | Buffer): Scan => scanBody(Buffer.from(text), 'json')
const lines = (text: string): Scan => scanBody(Buffer.from(text), 'lines')

function cut(text: string, scan: Scan): string[] {
  if (scan.kind !== 'records') throw new Error(JSON.stringify(scan))
  const body = Buffer.from(text)
  return scan.ranges.map(range => body.toString('utf8', range.start, range.end))
}

describe('records are cut out byte for byte', () => {
  test('one object', () => {
    const text = ' {"a" : 1.50, "b":"\\u00e9é"}\n'
    expect(json(text)).toMatchObject({ kind: 'records', isList: false })
    expect(cut(text, json(text))).toEqual(['{"a" : 1.50, "b":"\\u00e9é"}'])
  })

  test('the elements of an array, with the white space inside and without that around them', () => {
    const text = '[ {"a": [1,{}]} ,\r\n\t{"a":"],["}]'
    expect(json(text)).toMatchObject({ isList: true })
    expect(cut(text, json(text))).toEqual(['{"a": [1,{}]}', '{"a":"],["}'])
  })

  test('lines, with empty ones and both line ends, and without a last one', () => {
    const text = '{"a":1}\r\n\n  {"a":2}  \n{"a":3}'
    expect(cut(text, lines(text))).toEqual(['{"a":1}', '{"a":2}', '{"a":3}'])
  })
})

/** Text, place in the record, and a word of the message. */
const refusals: Record<string, [string, string, string]> = {
  'U+0000 as an escape': ['{"a":["x\\u0000"]}', '/a/0', 'u0000'],
  'U+0000 as a byte': ['{"a":"\0"}', '/a', 'control'],
  'a high surrogate alone': ['{"a":"\\ud800x"}', '/a', 'surrogate'],
  'a low surrogate alone': ['{"a":"\\udc00"}', '/a', 'surrogate'],
  'two high surrogates': ['{"a":"\\ud800\\ud800"}', '/a', 'surrogate'],
  'a surrogate in a name': ['{"\\ud800":1}', '', 'surrogate'],
  'a name twice': ['{"a":1,"b":{"c":1,"c":2}}', '/b/c', 'twice'],
  'a name twice, once escaped': ['{"a":1,"\\u0061":2}', '/a', 'twice'],
  'the name __proto__ twice': ['{"__proto__":1,"__proto__":2}', '/__proto__', 'twice'],
  'a name twice among many': [`{${names(100)},"n3":1}`, '/n3', 'twice'],
  'an exponent out of range': ['{"a":1e309}', '/a', 'exponent'],
  'an exponent far out of range': [`{"a":1e-${'9'.repeat(50)}}`, '/a', 'exponent'],
  'a number that a double cannot hold': ['{"a":99e308}', '/a', 'range'],
  'a number that becomes 0': ['{"a":0.000000000000000000001e-308}', '/a', 'range'],
  'a number of absurd length': [`{"a":${'1'.repeat(101)}}`, '/a', 'characters'],
  'a number with a leading zero': ['{"a":01}', '/a', 'begins with 0'],
  'a number without digits': ['{"a":-}', '/a', 'digit'],
  'nesting too deep': [`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, `/a${'/0'.repeat(63)}`, 'deeper'],
  'a line end in a string': ['{"a":"x\ny"}', '/a', 'control'],
  'an unknown escape': ['{"a":"\\x"}', '/a', 'escape'],
  'a cut escape': ['{"a":"\\u12', '/a', 'hex'],
  'a string without end': ['{"a":"x', '/a', 'no end'],
  'an object without end': ['{"a":1', '/a', 'ends'],
  'a comma too many': ['{"a":1,}', '/a', 'name'],
  'text after the value': ['{"a":1} x', '', 'the end'],
  'a byte order mark': ['\ufeff{}', '', 'value'],
  'an unknown word': ['{"a":nul}', '/a', 'true, false, null'],
  'an empty body': ['', '', 'ends'],
  'an empty array': ['[]', '', 'no record'],
  'a pointer with special characters': ['{"a/b~c":{"d":.5}}', '/a~1b~0c/d', 'value'],
}

function names(count: number): string {
  return Array.from({ length: count }, (_, place) => `"n${place}":${place}`).join()
}

describe('what could not be kept is refused with its place', () => {
  test.each(Object.entries(refusals))('%s', (_, [text, pointer, message]) => {
    const scan = json(text)
    expect(scan).toMatchObject({ kind: 'refused', index: 0, pointer })
    expect(scan.kind === 'refused' && scan.message).toContain(message)
  })

  test('the index and the offset tell which record it was', () => {
    expect(json('[{"a":1},{"a":1},{"a":"\\u0000"}]')).toMatchObject({ index: 2, pointer: '/a', offset: 23 })
    expect(lines('{"a":1}\n\n{"a":}\n')).toMatchObject({ index: 1, pointer: '/a', offset: 14 })
  })

  test('a record of the lines format stays in its line', () => {
    expect(lines('{"a":\n1}')).toMatchObject({ kind: 'refused', index: 0 })
    expect(lines('{"a":"\\u00\n41"}')).toMatchObject({ kind: 'refused', index: 0 })
    expect(lines('{"a":tr\nue}')).toMatchObject({ kind: 'refused', index: 0 })
    expect(lines('{"a":1} {"a":2}')).toMatchObject({ kind: 'refused', index: 1 })
  })

  test.each([
    ['a byte alone', Buffer.from([0xff]), 0],
    ['a surrogate as bytes', Buffer.from([0xed, 0xa0, 0x80]), 0],
    ['an overlong form', Buffer.from([0xc0, 0xaf]), 0],
    ['a cut character', Buffer.from([0xe2, 0x82]), 0],
    ['a bad byte far behind', Buffer.concat([Buffer.from('€'.repeat(5_000)), Buffer.from([0xff])]), 15_000],
  ])('%s is no UTF-8', (_, bytes, offset) => {
    const body = Buffer.concat([Buffer.from('{"a":"'), bytes, Buffer.from('"}')])
    expect(json(body)).toMatchObject({
      kind: 'refused',
      offset: 6 + offset,
      message: 'the bytes are not UTF-8',
    })
  })
})

describe('sizes', () => {
  const filled = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`
  test('a record may have 900 KiB and not one byte more', () => {
    expect(json(filled(bodyBounds.recordBytes)).kind).toBe('records')
    expect(json(`[{},${filled(bodyBounds.recordBytes + 1)}]`)).toMatchObject({ kind: 'too-large', index: 1 })
  })

  test('a body may have 10,000 records and not one more', () => {
    expect(json(`[${'{},'.repeat(bodyBounds.records - 1)}{}]`).kind).toBe('records')
    expect(lines('{}\n'.repeat(bodyBounds.records + 1)).kind).toBe('too-large')
  })

  test('a body may have 10 MiB', () => {
    expect(json(' '.repeat(bodyBounds.bodyBytes + 1)).kind).toBe('too-large')
  })

  test('many names and deep nesting cost linear time', () => {
    const started = performance.now()
    expect(json(`{${names(60_000)}}`).kind).toBe('records')
    expect(json('['.repeat(9_000_000)).kind).toBe('refused')
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('JSON.parse agrees', () => {
  test('every text that JSON.stringify writes is cut into values that parse to the same', () => {
    const element = fc.dictionary(
      fc.string({ unit: 'binary' }).filter(isStorable),
      fc.jsonValue({ depthSize: 'small' }).filter(isStorable),
    )
    fc.assert(
      fc.property(fc.array(element, { minLength: 1 }), fc.boolean(), (values, isSpaced) => {
        const text = isSpaced ? JSON.stringify(values, undefined, 2) : JSON.stringify(values)
        expect(cut(text, json(text)).map(part => JSON.parse(part))).toEqual(JSON.parse(text))
        const inLines = values.map(value => JSON.stringify(value)).join('\n')
        expect(cut(inLines, lines(inLines))).toEqual(inLines.split('\n'))
      }),
      { numRuns: 100 },
    )
  })

  test('a text that JSON.parse refuses is refused, and what is accepted parses', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"b"',
      '"',
      '\\',
      '\\u0041',
      '\\n',
      '1',
      '-0',
      '.5',
      'e3',
      'true',
      'null',
      ' ',
      '\n',
      'x',
      'é',
    ]
    const anyText = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map(parts => parts.join(''))
    const nearly = fc.array(anyText, { maxLength: 3 }).map(parts => `{"k":[${parts.join()}]}`)
    fc.assert(
      fc.property(fc.oneof(anyText, nearly), text => {
        const scan = json(text)
        if (scan.kind === 'records') for (const part of cut(text, scan)) JSON.parse(part)
        else if (scan.kind === 'refused' && !ours.test(scan.message)) expect(() => JSON.parse(text)).toThrow()
      }),
      { numRuns: 5_000 },
    )
  })
})

/** Messages about texts that JSON.parse would accept. */
const ours = /twice|no record|an exponent is beyond|a number is beyond/

function isStorable(value: unknown): boolean {
  const text = JSON.stringify(value)
  return !/\\u0000|\\ud[89a-f]/.test(text) && !/e-3(?:09|[12]\d)/.test(text) && text.isWellFormed()
}
