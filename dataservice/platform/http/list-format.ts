/** In which form a client wants a list of records. */

export const exportTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv' } as const
export type ExportFormat = keyof typeof exportTypes
export type ListFormat = 'page' | ExportFormat

/** What each media range of `Accept` means here; ranges that are not listed mean nothing. */
const ranges: Readonly<Record<string, ListFormat>> = {
  [exportTypes.ndjson]: 'ndjson',
  'application/ndjson': 'ndjson',
  [exportTypes.csv]: 'csv',
  'application/json': 'page',
  'application/*': 'page',
  '*/*': 'page',
}

/** The form that the client likes best; a page where it names none that we have. */
export function listFormat(accept: string | undefined): ListFormat {
  if (accept === undefined) return 'page'
  let best: { format: ListFormat; quality: number } = { format: 'page', quality: 0 }
  for (const part of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = part.split(';').map(text => text.trim())
    const format = Object.hasOwn(ranges, range) ? ranges[range] : undefined
    const quality = qualityOf(parameters)
    if (format !== undefined && quality > best.quality) best = { format, quality }
  }
  return best.format
}

function qualityOf(parameters: readonly string[]): number {
  const text = parameters.find(parameter => parameter.startsWith('q='))?.slice('q='.length)
  const quality = text === undefined ? 1 : Number(text)
  return Number.isFinite(quality) ? quality : 0
}
