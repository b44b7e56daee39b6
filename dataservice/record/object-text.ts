/**
 * JSON objects cut into the texts of their members, and put together again: what is not touched stays as it was written.
 * `JSON.parse` and back would turn `1e2` into `100` and round what a double cannot hold.
 */

/** A value as text, or an object that was cut. */
export type JsonText = string | Members

/** Members of an object by their names; the name as it was written stands beside each value. */
export type Members = Map<string, { name: string; value: JsonText }>

export const isObjectText = (json: string): boolean => /^\s*\{/.test(json)

/** One token, or the white space between two. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|\s+/gy

/** Cuts an object into its members without looking into their values, which are all texts. */
export function membersOf(json: string): Map<string, { name: string; value: string }> {
  const members = new Map<string, { name: string; value: string }>()
  let name: string | undefined
  let valueStart = 0
  for (const { 0: text, index } of outermost(json)) {
    if (text === ':') valueStart = index + 1
    else if (name === undefined) name = text.startsWith('"') ? text : undefined
    else if (text === ',' || text === '}') {
      members.set(JSON.parse(name), { name, value: json.slice(valueStart, index).trim() })
      name = undefined
    }
  }
  return members
}

/** The text of a value. */
export function textOf(value: JsonText): string {
  if (typeof value === 'string') return value
  return `{${[...value.values()].map(member => `${member.name}:${textOf(member.value)}`).join(',')}}`
}

/** Tokens of an object itself, its last bracket included. */
function* outermost(json: string): Generator<RegExpExecArray> {
  let depth = 0
  for (const found of json.matchAll(token)) {
    const [text] = found
    const isEnd = text === '}' || text === ']'
    if (isEnd) depth -= 1
    if (depth === (isEnd ? 0 : 1)) yield found
    if (text === '{' || text === '[') depth += 1
  }
}
