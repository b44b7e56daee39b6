/** Splits a stream of bytes into the JSON values of its lines, wherever the chunks are cut. */
import { ClusterError } from './errors.ts'

const newline = 0x0a

/**
 * Yields the value of each complete line. A last line without its end is dropped: the connection broke inside it, and
 * the watch is resumed before it. Rejects with Protocol on a line that is not JSON or is longer than `maxBytes`.
 */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<unknown> {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      checkSize(pendingBytes + end - start, maxBytes)
      const line = [...pending, chunk.subarray(start, end)]
      pending = []
      pendingBytes = 0
      start = end + 1
      const text = Buffer.concat(line).toString('utf8').trim()
      if (text !== '') yield parsedLine(text)
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start))
      pendingBytes += chunk.length - start
      checkSize(pendingBytes, maxBytes)
    }
  }
}

function checkSize(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes)
    throw new ClusterError('Protocol', `a line of the watch is longer than ${maxBytes} bytes`)
}

function parsedLine(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ClusterError('Protocol', 'a line of the watch is not JSON', { cause })
  }
}
