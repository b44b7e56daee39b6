/** What a client prefers (RFC 7240). What is not known is ignored, as the RFC says. */

/** Preferences by name in lower case; one without a value is the empty text. The first of a name counts. */
export type Preferences = ReadonlyMap<string, string>

const none: Preferences = new Map()

/** Reads the header `Prefer`. Never throws. */
export function preferences(header: string | string[] | undefined): Preferences {
  if (header === undefined) return none
  const found = new Map<string, string>()
  for (const part of String(header).split(',')) {
    // Parameters of a preference follow a semicolon; ours have none.
    const [preference = ''] = part.split(';')
    const [name = '', ...value] = preference.split('=')
    const key = name.trim().toLowerCase()
    if (key !== '' && !found.has(key)) found.set(key, unquoted(value.join('=').trim()))
  }
  return found
}

function unquoted(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}
