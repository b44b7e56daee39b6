/** The regular expressions and formats of a user's schema, all of them linear in the length of the text. */
import { isIPv4, isIPv6 } from 'node:net'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { RE2JS } from 're2js'

/** Instructions of a compiled pattern: matching costs at most this many steps for each character. */
const maxProgramSize = 2_000

/**
 * Compiles a pattern without backtracking. Throws an Error that says why a pattern cannot be used.
 * Look-around and back-references are not regular: the engine refuses them.
 */
export function compilePattern(pattern: string): RE2JS {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
  const size = compiled.programSize()
  if (size > maxProgramSize)
    throw new Error(`the pattern is too large (${size} steps, at most ${maxProgramSize})`)
  return compiled
}

/** What ajv takes instead of `RegExp`. */
interface LinearPattern {
  test(text: string): boolean
  toString(): string
}

/**
 * Engine for ajv's `code.regExp`. The answer prints its pattern: ajv keeps patterns by their text,
 * and two that print alike would share the first one's program.
 */
export const linearRegExp = Object.assign(
  (pattern: string): LinearPattern => {
    const compiled = compilePattern(pattern)
    return { test: text => compiled.test(text), toString: () => `linear:${pattern}` }
  },
  { code: 'linearRegExp' },
)

/** A format as ajv takes it. */
type Format = (text: string) => boolean

const email =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
const hostname = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
const uri = /^[a-z][a-z0-9+.-]*:[^\s<>"{}|\\^`]+$/i
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Formats that a schema may name. The calendar rules are those of ajv-formats (whole checks without nested repeats);
 * its other expressions can backtrack for seconds, so ours stand in their place, bounded in length.
 */
export const formats: Readonly<Record<string, Format>> = {
  date: bounded(10, calendar('date')),
  time: bounded(64, calendar('time')),
  'date-time': bounded(64, calendar('date-time')),
  email: bounded(320, text => email.test(text)),
  hostname: bounded(253, text => hostname.test(text)),
  ipv4: bounded(15, isIPv4),
  ipv6: bounded(45, text => isIPv6(text) && !text.includes('%')),
  uri: bounded(8_192, text => uri.test(text)),
  uuid: bounded(36, text => uuid.test(text)),
}

function bounded(length: number, format: Format): Format {
  return text => text.length <= length && format(text)
}

function calendar(name: 'date' | 'time' | 'date-time'): Format {
  const definition: unknown = fullFormats[name]
  if (!isChecked(definition)) throw new Error(`ajv-formats has no function for ${name}`)
  return definition.validate
}

function isChecked(definition: unknown): definition is { validate: Format } {
  return typeof definition === 'object' && definition !== null && 'validate' in definition
}
