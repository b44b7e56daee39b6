/** Who is told to look at a metric finds it. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const textsOf = (patterns: string[]): string[] =>
  globSync(patterns)
    .filter(path => !path.endsWith('.test.ts'))
    .map(path => readFileSync(path, 'utf8'))

const wordsIn = (text: string, words: RegExp): string[] =>
  [...text.matchAll(words)].map(([, word = '']) => word)

/** Each name is a text of its own, or stands behind a prefix that the whole file has. */
function registeredIn(code: string): string[] {
  const [prefix] = wordsIn(code, /`(dataservice_[a-z]+_)\$\{name\}`/g)
  const parts = prefix === undefined ? [] : wordsIn(code, /\bnamed\(\s*'([a-z_]+)'/g)
  return [...wordsIn(code, /'(dataservice_[a-z_]+)'/g), ...parts.map(part => `${prefix}${part}`)]
}

const registered = new Set(textsOf(['dataservice/**/*.ts', 'operator/**/*.ts']).flatMap(registeredIn))
/** Words of one part behind `dataservice_` are roles of Postgres and headers of records. */
const named = new Set(
  textsOf(['operator/status/*.ts', 'docs/**/*.md', 'README.md']).flatMap(text =>
    wordsIn(text, /\b(dataservice_[a-z]+_[a-z_]*[a-z])\b/g),
  ),
)

test.each([...named].sort())('%s is registered', word => {
  expect(registered).toContain(word.replace(/_(bucket|count|sum)$/, ''))
})

test('they are found, whole and behind a prefix', () => {
  expect(named.size).toBeGreaterThan(20)
  expect(registered).toContain('dataservice_operator_runs_total')
  expect(registered).toContain('dataservice_writer_lag_age_seconds')
})
