/** Reads a list page by page, and takes each record's text as it stands in the answer. */

export interface ReadRecord {
  id: string
  /** The record's own JSON text, byte for byte. */
  text: string
}

const itemStart = /\{"id":"([^"]+)","acceptedAt":"[^"]+","schemaVersion":"[^"]+","record":/g

/** All items from the first page to the last. Rejects on any answer but 200. */
export async function allPages(url: string, path: string): Promise<ReadRecord[]> {
  const read: ReadRecord[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const query: string =
      cursor === '' ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`
    const response = await fetch(`${url}${query}`, { signal: AbortSignal.timeout(20_000) })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`GET ${query} answered ${response.status}: ${text}`)
    read.push(...itemsOf(text))
    cursor = (JSON.parse(text) as { next: string | null }).next
  }
  return read
}

/** Cuts the records out of a page without parsing them. Good for records that hold no such beginning in a string. */
function itemsOf(page: string): ReadRecord[] {
  const starts = [...page.matchAll(itemStart)]
  const end = page.lastIndexOf(']')
  return starts.map((start, index) => {
    const from = start.index + start[0].length
    const next = starts[index + 1]
    // An item ends with `}`; between two items stands a comma.
    const to = next === undefined ? end - 1 : next.index - 2
    return { id: start[1] ?? '', text: page.slice(from, to) }
  })
}
