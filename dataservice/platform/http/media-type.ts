/** Content types of bodies that we read. */
import type { BodyFormat } from '#dataservice/record/scan.ts'

/** What a client may send: the formats of a body by media type. */
const formats: Readonly<Record<string, BodyFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'lines',
  'application/jsonl': 'lines',
}

export const acceptedMediaTypes = Object.keys(formats)

/**
 * The format that a `Content-Type` names, or undefined. Upper and lower case are the same;
 * the only parameter is `charset`, and it can only be UTF-8.
 */
export function bodyFormat(contentType = ''): BodyFormat | undefined {
  if (Object.hasOwn(formats, contentType)) return formats[contentType]
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map(part => part.trim())
  const isUtf8 = parameters.every(parameter => /^(charset\s*=\s*"?utf-?8"?)?$/.test(parameter))
  return isUtf8 && Object.hasOwn(formats, type) ? formats[type] : undefined
}

/** How a body may be packed (RFC 9110, RFC 8878). */
export const encodings = ['gzip', 'zstd'] as const
export type Encoding = (typeof encodings)[number]

/** The one encoding that a `Content-Encoding` names, `identity` without one, undefined when it is not supported. */
export function bodyEncoding(contentEncoding?: string): Encoding | 'identity' | undefined {
  if (contentEncoding === undefined) return 'identity'
  const name = contentEncoding
    .trim()
    .toLowerCase()
    .replace(/^x-gzip$/, 'gzip')
  return name === 'identity' ? 'identity' : encodings.find(known => known === name)
}
