/** Who is told to look at a metric finds it, and each metric is told of in `docs/metrics.md`. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const textsOf = (patterns: string[]): string[] =>
  globSync(patterns)
    .filter(path => !path.endsWith('.test.ts'))
    .map(path => readFileSync(path, 'utf8'))

const wordsIn = (text: string, words: RegExp): string[] =>
  [...text.matchAll(words)].map(([, word = '']) => word)

/** What stands before the names of a file that gives a part of them. */
const prefixOf = (code: string): string | undefined => wordsIn(code, /`(dataservice_[a-z]+_)\$\{name\}`/g)[0]

/** Each name is a text of its own, or stands behind a prefix that the whole file has. */
function registeredIn(code: string, prefix = prefixOf(code)): string[] {
  const parts = prefix === undefined ? [] : wordsIn(code, /\bnamed\(\s*'([a-z_]+)'/g)
  return [...wordsIn(code, /'(dataservice_[a-z_]+)'/g), ...parts.map(part => `${prefix}${part}`)]
}

const sources = textsOf(['dataservice/**/*.ts', 'operator/**/*.ts'])
const registered = new Set(sources.flatMap(code => registeredIn(code)))
/** Words of one part behind `dataservice_` are roles of Postgres and headers of records. */
const named = new Set(
  textsOf(['operator/status/*.ts', 'docs/**/*.md', 'README.md', 'config/**/*.yaml']).flatMap(text =>
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

/** A metric as code makes it: `text` begins with its type and ends where the next one is made. */
function madeIn(code: string) {
  const texts = code.split(/\bnew (?=(?:Counter|Gauge|Histogram|Summary)\b)/).slice(1)
  return texts.flatMap(text => {
    const [type = ''] = wordsIn(text, /^(\w+)/g)
    const [labels = ''] = wordsIn(text, /labelNames: \[([^\]]*)\]/g)
    return registeredIn(text, prefixOf(code)).map(name => ({
      name,
      type,
      labels: wordsIn(labels, /'(\w+)'/g),
      text,
    }))
  })
}

const made = sources.filter(code => code.includes("from 'prom-client'")).flatMap(madeIn)
const told = new Map(
  textsOf(['docs/metrics.md'])
    .flatMap(page => [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \| (.*) \|$/gm)])
    .map(([, name, type, labels = '', help]) => [name, { type, labels: wordsIn(labels, /`(\w+)`/g), help }]),
)

test.each(made)('$name stands in docs/metrics.md as it is made', ({ name, type, labels, text }) => {
  const { help, ...row } = told.get(name) ?? { help: undefined }
  expect(row).toEqual({ type: type.toLowerCase(), labels })
  expect(text).toContain(help)
})

test('docs/metrics.md tells of nothing else', () => {
  expect([...told.keys()].sort()).toEqual(made.map(({ name }) => name).sort())
})
