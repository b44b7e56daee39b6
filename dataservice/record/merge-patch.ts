/**
 * JSON Merge Patch (RFC 7396) on texts: what the patch does not touch stays as it was written, and so do its own values.
 * `JSON.parse` and back would turn `1e2` into `100` and round what a double cannot hold.
 */

/** Texts of the members of an object by their names; the name as it was written stands beside each value. */
type Members = Map<string, { name: string; value: string }>

/** The target with the patch. Both must be JSON; `target` is undefined where there was nothing. */
export function mergePatch(target: string | undefined, patch: string): string {
  if (!isObject(patch)) return patch.trim()
  const merged: Members = target !== undefined && isObject(target) ? membersOf(target) : new Map()
  for (const [key, { name, value }] of membersOf(patch)) {
    const before = merged.get(key)
    if (value === 'null') merged.delete(key)
    else merged.set(key, { name: before?.name ?? name, value: mergePatch(before?.value, value) })
  }
  return `{${[...merged.values()].map(({ name, value }) => `${name}:${value}`).join(',')}}`
}

const isObject = (json: string): boolean => /^\s*\{/.test(json)

/** One token, or the white space between two. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|\s+/gy

/** Cuts an object into its members without looking into their values. */
function membersOf(json: string): Members {
  const members: Members = new Map()
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
