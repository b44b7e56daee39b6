/** `fields=`: parts of a record. Postgres cuts them out as text, so numbers stay as they came. */
import type { Cell } from '#dataservice/platform/postgres/session.ts'

/** What is left of a record; `paths` in the order in which their texts come from the database. */
export interface Selection {
  paths: readonly (readonly string[])[]
  /** Absent: as JSON. Text: as a person reads it, a string without its quotes. */
  as?: 'text'
  /** Records of other versions than this one come whole, too, in one more column. */
  wholeUnless?: string
}

const limits = { fields: 50, length: 300, depth: 16 } as const

export type ParsedFields = { kind: 'selection'; selection: Selection } | { kind: 'refused'; message: string }

const refused = (message: string): ParsedFields => ({ kind: 'refused', message })

/** Names of the top level or JSON Pointers, separated by commas. */
export function parseFields(text: string): ParsedFields {
  const names = [...new Set(text.split(','))]
  if (names.length > limits.fields) return refused(`may name ${limits.fields} fields`)
  const paths: string[][] = []
  for (const name of names) {
    const path = pathOf(name)
    if (path === undefined)
      return refused('must be names or JSON Pointers like customerId,/address/city, separated by commas')
    if (path.slice(1).some(segment => /^-?\d+$/.test(segment)))
      return refused('cannot reach into a list: ask for the whole of it')
    paths.push(path)
  }
  const within = (path: readonly string[]) =>
    paths.some(other => other.length < path.length && other.every((segment, at) => path[at] === segment))
  return { kind: 'selection', selection: { paths: paths.filter(path => !within(path)) } }
}

function pathOf(name: string): string[] | undefined {
  if (name === '' || name.length > limits.length || name.includes('\0')) return undefined
  if (!name.startsWith('/')) return [name]
  const segments = name.slice(1).split('/')
  if (segments.length > limits.depth || segments.some(segment => /~(?![01])/.test(segment))) return undefined
  return segments.map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** JSON of the record with nothing but the selection; a field that is absent stays so. */
export function selectedText({ paths }: Selection, cells: readonly Cell[]): string {
  const top = new Map<string, Node>()
  for (const [place, path] of paths.entries()) {
    const cell = cells[place]
    if (cell !== null && cell !== undefined) put(top, path, cell)
  }
  return objectText(top)
}

type Node = string | Map<string, Node>

function put(node: Map<string, Node>, [name, ...rest]: readonly string[], cell: string): void {
  if (name === undefined) return
  if (rest.length === 0) {
    node.set(name, cell)
    return
  }
  const known = node.get(name)
  const child = known instanceof Map ? known : new Map<string, Node>()
  node.set(name, child)
  put(child, rest, cell)
}

function objectText(node: ReadonlyMap<string, Node>): string {
  const members = [...node].map(
    ([name, value]) => `${JSON.stringify(name)}:${typeof value === 'string' ? value : objectText(value)}`,
  )
  return `{${members.join(',')}}`
}
