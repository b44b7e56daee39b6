/** What gateway, writer and reader agree on about probe records. */

/** Where gateways and readers answer for them. */
export const probePath = '/probe'

/** A probe that is in Postgres. */
export interface StoredProbe {
  id: string
  /** Milliseconds since it was stored, by Postgres' clock. */
  ageMs: number
}

export const storedProbesText = (probes: readonly StoredProbe[]): string => JSON.stringify({ probes })

/** Undefined for any other text. */
export function parseStoredProbes(text: string): StoredProbe[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const list: unknown =
      typeof value === 'object' && value !== null ? Reflect.get(value, 'probes') : undefined
    return Array.isArray(list) && list.every(isStored) ? list : undefined
  } catch {
    return undefined
  }
}

const isStored = (value: unknown): value is StoredProbe =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'id') === 'string' &&
  typeof Reflect.get(value, 'ageMs') === 'number'
