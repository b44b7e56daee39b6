/**
 * A client for load that shares its cores with what it measures: one kept connection, one request at a time, and of
 * an answer nothing is read but its status and its length.
 */
import { connect, type Socket } from 'node:net'

/** Hears the status of the answer; 0 when the connection broke or said what nobody understands. */
export type Answered = (status: number) => void

export class Connection {
  readonly #port: number
  #socket: Socket | undefined
  #received = ''
  #answered: Answered | undefined

  constructor(port: number) {
    this.#port = port
  }

  /** Only after the answer to the request before. Connects when it has to. */
  send(request: string, answered: Answered): void {
    this.#answered = answered
    this.#socket ??= this.#connect()
    this.#socket.write(request, 'latin1')
  }

  close(): void {
    this.#socket?.destroy()
  }

  #connect(): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    socket.on('data', chunk => this.#read(chunk.toString('latin1')))
    socket.on('error', () => {}) // told by `close`
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined
      this.#end(0)
    })
    return socket
  }

  #read(text: string): void {
    this.#received += text
    const status = statusOf(this.#received)
    if (status === undefined) return
    if (status === 0) this.#socket?.destroy()
    else this.#end(status)
  }

  #end(status: number): void {
    const answered = this.#answered
    this.#answered = undefined
    this.#received = ''
    answered?.(status)
  }
}

const endOfHead = '\r\n\r\n'

/** Undefined while the answer is not whole; 0 when it tells no length, or when more came than the answer. */
export function statusOf(received: string): number | undefined {
  const head = received.indexOf(endOfHead)
  if (head < 0) return undefined
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, head))?.[1]
  if (length === undefined) return 0
  const missing = head + endOfHead.length + Number(length) - received.length
  if (missing > 0) return undefined
  return missing === 0 ? Number(received.slice(9, 12)) : 0
}
