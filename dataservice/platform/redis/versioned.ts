/**
 * Records that change, as the shared cache knows them. A value begins with the version of its record, so that Redis
 * itself can compare: nothing is ever replaced by something older. What writer and readers agree on. Pure.
 */

/** A value for `Cache.setNewest`. */
export interface Versioned {
  key: string
  value: Buffer
}

/** What a reader found in Postgres. */
export interface Seen {
  version: number
  /** When Postgres was asked, or a moment earlier; milliseconds since 1970. */
  born: number
  /** Undefined: there is no such record. */
  body: Buffer | undefined
}

/**
 * How long Redis keeps a version: while it is there nobody's older one is taken in, so it is more than a replica is ever
 * behind in an orderly life. What is kept longer than a reader trusts it only guards.
 */
export const guardMs = 60_000

const format = 1
export const stateKey = (id: string): string => `state${format}:${id}`

const versionBytes = 8
const headBytes = 16

/** Only the version: the record is changing to it, ask Postgres. */
export function mark(id: string, version: bigint): Versioned {
  const value = Buffer.allocUnsafe(versionBytes)
  value.writeDoubleBE(Number(version))
  return { key: stateKey(id), value }
}

export function seenValue(id: string, { version, born, body }: Seen): Versioned {
  const value = Buffer.allocUnsafe(headBytes + (body?.length ?? 0))
  value.writeDoubleBE(version)
  value.writeDoubleBE(born, versionBytes)
  body?.copy(value, headBytes)
  return { key: stateKey(id), value }
}

/** What `mark` or `seenValue` wrote: only the latter was `seen`. Undefined when it is something else. */
export function readVersioned(value: Buffer): { version: number; seen?: Seen } | undefined {
  if (value.length < versionBytes) return undefined
  const version = value.readDoubleBE()
  if (value.length < headBytes) return { version }
  const body = value.length === headBytes ? undefined : value.subarray(headBytes)
  return { version, seen: { version, born: value.readDoubleBE(versionBytes), body } }
}

/**
 * KEYS: records. ARGV: milliseconds to keep them, `1` when a value of the same version may be replaced, then their values.
 * What somebody else put there may be anything.
 */
export const setNewestScript = `
for i, key in ipairs(KEYS) do
  local value, held, known = ARGV[i + 2], redis.pcall('GET', key), -1
  if type(held) == 'string' and #held >= ${versionBytes} then known = struct.unpack('>d', held) end
  local version = struct.unpack('>d', value)
  if not (known > version or (known == version and ARGV[2] ~= '1')) then
    redis.call('SET', key, value, 'PX', ARGV[1])
  end
end
`
