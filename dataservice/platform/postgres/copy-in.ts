/**
 * `COPY … FROM STDIN` as a query of the `pg` client. Our own, because pg-copy-streams throws from an event handler
 * when the server refuses rows while the socket is still full (it writes the end of the copy to a connection it has
 * already let go), and because the whole input lies ready in memory here.
 */
import type { Connection, Submittable } from 'pg'

/** Pieces in which the input is sent: the server collects a whole piece before it parses it. */
const pieceBytes = 256 * 1024
const copyData = 0x64
const copyDone = Buffer.from([0x63, 0, 0, 0, 4])

export class CopyIn implements Submittable {
  /** Rows stored; rejects with the server's error or that of the connection. */
  readonly done: Promise<number>
  readonly #text: string
  readonly #input: Buffer
  readonly #settled: PromiseWithResolvers<number>
  #rows = 0

  constructor(text: string, input: Buffer) {
    this.#text = text
    this.#input = input
    this.#settled = Promise.withResolvers<number>()
    this.done = this.#settled.promise
  }

  submit(connection: Connection): void {
    connection.query(this.#text)
  }

  // What follows is called by the client, message by message.

  handleCopyInResponse({ stream }: Connection): void {
    stream.cork()
    for (let from = 0; from < this.#input.length; from += pieceBytes) {
      const piece = this.#input.subarray(from, from + pieceBytes)
      const header = Buffer.allocUnsafe(5)
      header[0] = copyData
      header.writeInt32BE(piece.length + 4, 1)
      stream.write(header)
      stream.write(piece)
    }
    stream.write(copyDone)
    stream.uncork()
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#rows = Number(/^COPY (\d+)$/.exec(text)?.[1] ?? 0)
  }

  handleReadyForQuery(): void {
    this.#settled.resolve(this.#rows)
  }

  handleError(error: Error): void {
    this.#settled.reject(error)
  }
}
