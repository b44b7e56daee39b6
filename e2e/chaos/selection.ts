/** The command line of `npm run chaos`. Pure. */
import { parseArgs } from 'node:util'
import type { Size } from './suite.ts'

export interface Selection {
  names: readonly string[]
  size: Size
  /** Undefined: a new one for each run. */
  seed: number | undefined
  /** Where the rows go. */
  json: string | undefined
}

interface Known {
  suites: readonly string[]
  scenarios: readonly string[]
}

/** Throws an Error that names what is wrong. */
export function parseSelection(args: readonly string[], { suites, scenarios }: Known): Selection {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      smoke: { type: 'boolean', default: false },
      json: { type: 'string' },
      seed: { type: 'string' },
    },
  })
  const all = [...suites, ...scenarios]
  const unknown = positionals.filter(name => !all.includes(name))
  if (unknown.length > 0)
    throw new Error(`unknown scenario '${unknown.join(', ')}'; known: ${all.join(', ')}`)
  const seed = values.seed === undefined ? undefined : Number(values.seed)
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    throw new Error(`--seed is a whole number below 2^32, not '${values.seed}'`)
  const defaults = values.smoke ? suites : all
  return {
    names: positionals.length > 0 ? positionals : defaults,
    size: values.smoke ? 'smoke' : 'full',
    seed,
    json: values.json,
  }
}
