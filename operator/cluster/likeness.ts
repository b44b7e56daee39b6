/**
 * Objects of one kind resemble each other. One is kept whole, as a pattern; another is what differs from it. Names that
 * a pattern holds are taken for those of the other object, so that they need not be told. Pure.
 */
import { isRecord } from './answer.ts'

/** What differs from object to object wherever it stands, such as the namespace; the same number for all of one pattern. */
export type Subjects = readonly string[]

/** A value that takes the place of the one that the pattern has at this number. */
export type Difference = readonly [place: number, value: unknown]

/** A value of the pattern, with its parts. Numbered as they are read; those of its parts end before `end`. */
interface Node {
  place: number
  end: number
  value: unknown
  /** Something in it names a subject. */
  names: boolean
  keys: readonly string[] | undefined
  parts: readonly Node[]
}

export interface Pattern {
  root: Node
  subjects: Subjects
}

/** `value` must be frozen with all that is in it: its parts come back as parts of others. */
export function patternOf(value: unknown, subjects: Subjects): Pattern {
  let places = 0
  const nodeOf = (part: unknown): Node => {
    const place = places++
    const keys = isRecord(part) ? Object.keys(part) : undefined
    const parts = partsOf(part).map(nodeOf)
    const isNamed = typeof part === 'string' && subjects.some(subject => isIn(subject, part))
    return { place, end: places, value: part, names: isNamed || parts.some(each => each.names), keys, parts }
  }
  return { root: nodeOf(value), subjects }
}

/** In the order of their places. */
export function differencesFrom(pattern: Pattern, value: unknown, subjects: Subjects): Difference[] {
  const found: Difference[] = []
  const compare = (node: Node, other: unknown): void => {
    if (!hasParts(node.value) || !isAlike(node, other)) {
      if (hasParts(node.value) || other !== expected(node, pattern, subjects)) found.push([node.place, other])
      return
    }
    const parts = partsOf(other)
    for (const [index, part] of node.parts.entries()) compare(part, parts[index])
  }
  compare(pattern.root, value)
  return found
}

/** The value again, frozen. */
export function restored(pattern: Pattern, differences: readonly Difference[], subjects: Subjects): unknown {
  let next = 0
  const rest = (node: Node): unknown => {
    const difference = differences[next]
    if (difference?.[0] === node.place) {
      next += 1
      return deepFrozen(difference[1])
    }
    const isChanged = difference !== undefined && difference[0] < node.end
    if (!isChanged && !node.names) return node.value
    if (!hasParts(node.value)) return expected(node, pattern, subjects)
    if (node.keys === undefined) return Object.freeze(node.parts.map(rest))
    const object: Record<string, unknown> = {}
    for (const [index, part] of node.parts.entries()) object[node.keys[index] ?? ''] = rest(part)
    return Object.freeze(object)
  }
  return rest(pattern.root)
}

export function deepFrozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  for (const each of Object.values(value)) deepFrozen(each)
  return Object.freeze(value)
}

/** Shorter ones stand in too many words. */
const shortestSubject = 3

const isIn = (subject: string, text: string): boolean =>
  subject.length >= shortestSubject && text.includes(subject)

/** The pattern's word with the other's names in it. It may be wrong: then the word is told. */
function expected({ value, names }: Node, pattern: Pattern, subjects: Subjects): unknown {
  if (!names || typeof value !== 'string') return value
  return pattern.subjects.reduce((text, subject, index) => {
    const other = subjects[index] ?? ''
    return subject !== other && isIn(subject, text) ? text.replaceAll(subject, () => other) : text
  }, value)
}

const hasParts = (value: unknown): boolean => typeof value === 'object' && value !== null

/** Of the same keys in the same order, or as long a list. */
function isAlike({ keys, parts, value }: Node, other: unknown): boolean {
  if (keys === undefined) return Array.isArray(value) && Array.isArray(other) && other.length === parts.length
  if (!isRecord(other)) return false
  const found = Object.keys(other)
  return found.length === keys.length && found.every((key, index) => key === keys[index])
}

function partsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  return isRecord(value) ? Object.values(value) : []
}
