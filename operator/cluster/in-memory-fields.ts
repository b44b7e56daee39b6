/**
 * Server-side apply as the in-memory twin does it. Pure. Simplified: a list belongs to one manager as a whole, also
 * where the API server merges by key.
 */
import { isRecord } from './answer.ts'

/** Who set which field last, by path. */
export type Ownership = ReadonlyMap<string, ReadonlySet<string>>

export interface Managed {
  body: Record<string, unknown>
  ownership: Ownership
}

/** Paths and values of a body: the leaves of nested objects. Lists and empty objects are leaves. */
export function leavesOf(
  body: Record<string, unknown>,
  parent: readonly string[] = [],
): Map<string, unknown> {
  const leaves = new Map<string, unknown>()
  for (const [key, value] of Object.entries(body)) {
    if (value === undefined) continue
    const path = [...parent, key]
    if (isRecord(value) && Object.keys(value).length > 0) {
      for (const [leaf, inner] of leavesOf(value, path)) leaves.set(leaf, inner)
    } else leaves.set(JSON.stringify(path), value)
  }
  return leaves
}

/** The body with the fields of `intent`, others' too, without those this manager applied before and nobody else has. */
export function applyFields(
  { body, ownership }: Managed,
  intent: Record<string, unknown>,
  manager: string,
): Managed {
  const wanted = leavesOf(intent)
  const stored = leavesOf(body)
  const others = (path: string): string[] => [...(ownership.get(path) ?? [])].filter(each => each !== manager)
  const isTaken = (path: string, value: unknown): boolean => !same(stored.get(path), value)
  const next = structuredClone(body)
  const owners = new Map<string, ReadonlySet<string>>()
  for (const [path, managers] of ownership) {
    const left = managers.has(manager) && !wanted.has(path) ? others(path) : [...managers]
    if (left.length > 0) owners.set(path, new Set(left))
    else removeAt(next, pathOf(path))
  }
  for (const [path, value] of wanted) {
    setAt(next, pathOf(path), value)
    owners.set(path, new Set(isTaken(path, value) ? [manager] : [...others(path), manager]))
  }
  return { body: next, ownership: owners }
}

/** An update of some fields that asks nobody: the scale subresource, a POST. */
export function updateFields(
  { body, ownership }: Managed,
  changes: Map<string, unknown>,
  manager: string,
): Managed {
  const next = structuredClone(body)
  const owners = new Map(ownership)
  for (const [path, value] of changes) {
    setAt(next, pathOf(path), value)
    owners.set(path, new Set([manager]))
  }
  return { body: next, ownership: owners }
}

export const same = (left: unknown, right: unknown): boolean => sorted(left) === sorted(right)

/** JSON with sorted keys, so that the order in which fields were set does not matter. */
function sorted(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
    ) ?? ''
  )
}

function pathOf(text: string): string[] {
  const path: unknown = JSON.parse(text)
  return Array.isArray(path) ? path.map(String) : []
}

function setAt(
  target: Record<string, unknown>,
  [head = '', ...rest]: readonly string[],
  value: unknown,
): void {
  const there = target[head]
  if (rest.length > 0) {
    const inner = isRecord(there) ? there : {}
    target[head] = inner
    setAt(inner, rest, value)
  } else if (!(isRecord(value) && isRecord(there))) target[head] = structuredClone(value)
}

function removeAt(target: Record<string, unknown>, [head = '', ...rest]: readonly string[]): void {
  const inner = target[head]
  if (rest.length === 0) delete target[head]
  else if (isRecord(inner)) {
    removeAt(inner, rest)
    if (Object.keys(inner).length === 0) delete target[head]
  }
}
