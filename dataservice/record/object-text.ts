/**
 * JSON objects cut into the texts of their members, and put together again: what is not touched stays as it was written.
 * `JSON.parse` and back would turn `1e2` into `100` and round what a double cannot hold.
 */

/** A value as text, or an object that was cut. */
export type JsonText = string | Members

/** Members of an object by their names; the name as it was written stands beside each value. */
export type Members = Map<string, { name: string; value: JsonText }>

/** Which objects inside an object are cut as well: all of them, or those that stand where these members are objects. */
export type Within = 'all' | Members

export const isObjectText = (json: string): boolean => /^\s*\{/.test(json)

/**
 * Cuts an object into its members, and in the same pass what `within` names of the objects inside it; all other values
 * are texts. However deep that goes, each character is looked at about once.
 */
export function membersOf(json: string, within?: Within): Members {
  const place = { json, at: 0 }
  nextOf(place)
  return cut(place, within)
}

/** The text of a value. */
export function textOf(value: JsonText): string {
  if (typeof value === 'string') return value
  return `{${[...value.values()].map(member => `${member.name}:${textOf(member.value)}`).join(',')}}`
}

/** Where the cutting stands. */
interface Place {
  readonly json: string
  at: number
}

const signs = {
  quote: 0x22,
  comma: 0x2c,
  backslash: 0x5c,
  list: 0x5b,
  listEnd: 0x5d,
  object: 0x7b,
  objectEnd: 0x7d,
}

/** Cuts the object that begins here, and goes past it. What is no JSON comes out as some object or other. */
function cut(place: Place, within: Within | undefined): Members {
  const members: Members = new Map()
  do {
    place.at += 1 // the bracket, or a comma
    if (nextOf(place) !== signs.quote) break
    const name = pastString(place)
    if (place.at >= place.json.length) break // a name without an end
    const key: string = JSON.parse(name)
    nextOf(place)
    place.at += 1 // the colon
    const inner = nextOf(place) === signs.object ? innerOf(within, key) : undefined
    members.set(key, { name, value: inner ? cut(place, inner) : pastValue(place) })
  } while (nextOf(place) === signs.comma)
  place.at += 1
  return members
}

function innerOf(within: Within | undefined, key: string): Within | undefined {
  if (within === undefined || within === 'all') return within
  const value = within.get(key)?.value
  return typeof value === 'string' ? undefined : value
}

/** Goes to the next character that is no white space; NaN at the end. */
function nextOf(place: Place): number {
  const { json } = place
  for (; ; place.at++) {
    const code = json.charCodeAt(place.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code
  }
}

function pastValue(place: Place): string {
  const code = place.json.charCodeAt(place.at)
  if (code === signs.quote) return pastString(place)
  return past(place, code === signs.object || code === signs.list ? endOfNested : endOfPlain)
}

const pastString = (place: Place): string => past(place, endOfString)

/** Goes past what begins here, and answers it. */
function past(place: Place, endOf: (json: string, start: number) => number): string {
  const start = place.at
  place.at = endOf(place.json, start)
  return place.json.slice(start, place.at)
}

function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === signs.quote) return at + 1
    if (code === signs.backslash) at++
  }
  return json.length
}

/** An object or a list. */
function endOfNested(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === signs.quote) at = endOfString(json, at) - 1
    else if (code === signs.object || code === signs.list) depth += 1
    else if (code === signs.objectEnd || code === signs.listEnd) depth -= 1
    if (depth === 0) return at + 1
  }
  return json.length
}

/** A number, `true`, `false` or `null`. */
function endOfPlain(json: string, start: number): number {
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code <= 0x20 || code === signs.comma || code === signs.objectEnd || code === signs.listEnd) return at
  }
  return json.length
}
