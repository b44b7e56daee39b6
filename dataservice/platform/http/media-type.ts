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
export function bodyFormat(contentType: string | undefined): BodyFormat | undefined {
  const [type = '', ...parameters] = (contentType ?? '')
    .toLowerCase()
    .split(';')
    .map(part => part.trim())
  const isUtf8 = parameters.every(parameter => /^(charset\s*=\s*"?utf-?8"?)?$/.test(parameter))
  return isUtf8 && Object.hasOwn(formats, type) ? formats[type] : undefined
}
