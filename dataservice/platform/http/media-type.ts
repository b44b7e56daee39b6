/** Content types of bodies that we read. */

/** What a client may send: the formats of a body by media type. */
const formats = {
  'application/json': 'json',
  'application/x-ndjson': 'lines',
  'application/jsonl': 'lines',
} as const

export type BodyFormat = (typeof formats)[keyof typeof formats]

export const acceptedMediaTypes = Object.keys(formats)

/**
 * The format that a `Content-Type` names, or undefined. Upper and lower case are the same;
 * the only parameter is `charset`, and it can only be UTF-8.
 */
export function bodyFormat(contentType: string | undefined): BodyFormat | undefined {
  const [type = '', ...parameters] = (contentType ?? '')
    .toLowerCase()
    .split(';')
    .map(part => part.trim())
  const isUtf8 = parameters.every(parameter => /^(charset\s*=\s*"?utf-?8"?)?$/.test(parameter))
  return isUtf8 && isKnown(type) ? formats[type] : undefined
}

function isKnown(type: string): type is keyof typeof formats {
  return Object.hasOwn(formats, type)
}
