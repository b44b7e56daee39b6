/** What each byte means at the start of a value and inside a string. */

/** Kinds of bytes. All below `quote` may stand in a string as they are. */
export const token = {
  plain: 0,
  object: 1,
  array: 2,
  number: 3,
  literal: 4,
  quote: 5,
  escape: 6,
  control: 7,
} as const

/** Words by the byte they begin with. */
export const literals: Readonly<Record<number, string>> = { 116: 'true', 102: 'false', 110: 'null' }

/** Kind of each byte. Tab and line ends are control characters here: between values nobody asks. */
export const kinds = new Uint8Array(256)
kinds.fill(token.control, 0, 0x20)
for (const [characters, kind] of [
  ['{', token.object],
  ['[', token.array],
  ['"', token.quote],
  ['\\', token.escape],
  ['-0123456789', token.number],
  ['tfn', token.literal],
] as const) {
  for (const character of characters) kinds[character.charCodeAt(0)] = kind
}

/** 1 for the characters that may follow a backslash, but for `u`. */
export const escapes = new Uint8Array(256)
for (const character of '"\\/bfnrt') escapes[character.charCodeAt(0)] = 1

/** Value of a hex digit, -1 for all other bytes. */
export const hexValues = new Int8Array(256).fill(-1)
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexValues[digit.charCodeAt(0)] = value
  hexValues[digit.toUpperCase().charCodeAt(0)] = value
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
