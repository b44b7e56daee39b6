/** Brings the text of a record from one form into the next, step by step. What no step touches stays as it was written. */
import { isObjectText, type JsonText, type Members, membersOf, textOf } from './object-text.ts'

/** What one step does; pointers name members of objects. */
export interface Step {
  op: 'move' | 'copy' | 'remove' | 'default'
  from?: string
  path: string
  value?: unknown
}

/** A step made ready, on the outermost object. */
type Change = (record: Members) => void

/**
 * A step that finds nothing to work on changes nothing; an object that is missing above what is made is made, too. Takes
 * time in proportion to the text and the number of steps. A text that is no object stays as it is.
 */
export function upgrader(steps: readonly Step[]): (body: string) => string {
  const changes = steps.map(changeOf)
  return body => {
    if (changes.length === 0 || !isObjectText(body)) return body
    const record: Members = membersOf(body)
    for (const change of changes) change(record)
    return textOf(record)
  }
}

function changeOf({ op, from = '', path, value }: Step): Change {
  const [source, target] = [segmentsOf(from), segmentsOf(path)]
  switch (op) {
    case 'move':
      return record => {
        const moved = take(record, source)
        if (moved !== undefined) put(record, target, moved)
      }
    case 'copy':
      return record => {
        const copied = memberAt(record, source)
        if (copied !== undefined) put(record, target, textOf(copied))
      }
    case 'remove':
      return record => void take(record, target)
    case 'default': {
      const text = JSON.stringify(value)
      return record => {
        if (memberAt(record, target) === undefined) put(record, target, text)
      }
    }
    default:
      return op satisfies never
  }
}

/** Segments of a JSON Pointer. */
const segmentsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))

/** The text at a path of a record; undefined when there is none. */
export function textAt(body: string, path: readonly string[]): string | undefined {
  const value = isObjectText(body) ? memberAt(membersOf(body), path) : undefined
  return value === undefined ? undefined : textOf(value)
}

function memberAt(record: Members, path: readonly string[]): JsonText | undefined {
  return holder(record, path)?.get(path.at(-1) ?? '')?.value
}

function take(record: Members, path: readonly string[]): JsonText | undefined {
  const members = holder(record, path)
  const name = path.at(-1) ?? ''
  const found = members?.get(name)?.value
  members?.delete(name)
  return found
}

function put(record: Members, path: readonly string[], value: JsonText): void {
  const name = path.at(-1) ?? ''
  const members = holder(record, path, 'made')
  members?.set(name, { name: members.get(name)?.name ?? JSON.stringify(name), value })
}

/** The object that holds the last segment; undefined when there is none, and none can be made there. */
function holder(record: Members, path: readonly string[], missing?: 'made'): Members | undefined {
  let members = record
  for (const segment of path.slice(0, -1)) {
    const member = members.get(segment)
    const value = member?.value ?? (missing && '{}')
    if (value === undefined || (typeof value === 'string' && !isObjectText(value))) return undefined
    const inner: Members = typeof value === 'string' ? membersOf(value) : value
    members.set(segment, { name: member?.name ?? JSON.stringify(segment), value: inner })
    members = inner
  }
  return members
}
