/**
 * API keys, kept as hashes. Keys are long and random, so that a plain SHA-256 cannot be turned back, and looking one
 * up costs a microsecond instead of the tenths of a second of a hash for passwords.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isScope, type Scope, scopes } from '#dataservice/contract/scopes.ts'
import type { Caller } from './caller.ts'

/** Shorter ones might be guessed. 24 characters of base64 are 144 bits. */
const shortestKey = 24
const longestKey = 512

/** One entry of the Secret: a caller with its keys, all of them valid. */
export type KeyEntry =
  | { kind: 'caller'; caller: Caller; digests: readonly Buffer[] }
  /** `problem` says what is wrong and never repeats the entry. */
  | { kind: 'refused'; name: string; problem: string }

/** What the lines of an entry have said so far. */
interface Said {
  digests: Buffer[]
  scopes: Set<Scope>
  key?: string
}

interface LineRule {
  /** False: the value is not what the word asks for. */
  take(value: string, said: Said): boolean
  problem: string
}

const lines: Readonly<Record<string, LineRule>> = {
  sha256: {
    take(value, { digests }) {
      if (!/^[0-9a-f]{64}$/i.test(value)) return false
      digests.push(Buffer.from(value, 'hex'))
      return true
    },
    problem: 'has a line sha256: without exactly 64 hex digits',
  },
  scopes: {
    take(value, said) {
      const words = value.split(/\s+/)
      for (const word of words.filter(isScope)) said.scopes.add(word)
      return words.every(isScope)
    },
    problem: `has scopes beside ${scopes.join(', ')}`,
  },
  key: {
    take(value, said) {
      if (value === '' || said.key !== undefined) return false
      said.key = value
      return true
    },
    problem: 'has an empty or a second line key:',
  },
}

/**
 * Reads an entry: lines `sha256:<64 hex digits>` (at least one), and perhaps `scopes: read write` and
 * `key: <record key>`.
 */
export function readEntry(name: string, text: string): KeyEntry {
  const said: Said = { digests: [], scopes: new Set() }
  for (const line of text.split('\n').map(each => each.trim())) {
    if (line === '') continue
    const [, word = '', value = ''] = /^(\w+):\s*(.*)$/.exec(line) ?? []
    const rule = Object.hasOwn(lines, word) ? lines[word] : undefined
    if (rule === undefined)
      return { kind: 'refused', name, problem: `has a line that is none of ${Object.keys(lines).join(', ')}` }
    if (!rule.take(value, said)) return { kind: 'refused', name, problem: rule.problem }
  }
  const { digests, ...caller } = said
  if (digests.length === 0) return { kind: 'refused', name, problem: 'has no line sha256:<64 hex digits>' }
  return { kind: 'caller', caller: { id: `key:${name}`, ...caller }, digests }
}

/** Finds the caller of a key. */
export class KeyRing {
  /** By the first bytes of the digest, so that the number of keys does not count. */
  readonly #byStart = new Map<number, { digest: Buffer; caller: Caller }[]>()

  constructor(entries: readonly KeyEntry[]) {
    for (const entry of entries) {
      if (entry.kind === 'refused') continue
      for (const digest of entry.digests) {
        const start = digest.readUInt32BE()
        const others = this.#byStart.get(start) ?? []
        this.#byStart.set(start, [...others, { digest, caller: entry.caller }])
      }
    }
  }

  /** Digests are compared in constant time. */
  find(key: string): Caller | undefined {
    if (key.length < shortestKey || key.length > longestKey) return undefined
    const given = createHash('sha256').update(key).digest()
    return this.#byStart.get(given.readUInt32BE())?.find(({ digest }) => timingSafeEqual(digest, given))
      ?.caller
  }
}
