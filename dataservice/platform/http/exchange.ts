/** One request over a kept connection. A short answer comes as a whole, a long one as a stream with back-pressure. */
import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'

export type Answer =
  | { kind: 'answer'; status: number; headers: IncomingHttpHeaders; body: Buffer | Readable }
  | { kind: 'unavailable' }
  | { kind: 'timeout' }

/** Answers up to this size are taken as a whole: the connection is free again whatever the client does. */
const wholeBytes = 256 * 1024

type Controller = Dispatcher.DispatchController

/** Resolves with the answer, or with how it failed; `withinMs` ends when the answer begins. Never rejects. */
export function exchange(
  dispatcher: Pick<Dispatcher, 'dispatch'>,
  request: Pick<Dispatcher.DispatchOptions, 'path' | 'headers'> & { method: 'GET' | 'HEAD' },
  withinMs: number,
): Promise<Answer> {
  return new Promise(resolve => {
    dispatcher.dispatch(request, new Exchange(resolve, withinMs))
  })
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void
  readonly #timer: NodeJS.Timeout
  readonly #chunks: Buffer[] = []
  #controller: Controller | undefined
  #head: { status: number; headers: IncomingHttpHeaders } | undefined
  #stream: Readable | undefined
  #isOver = false

  constructor(resolve: (answer: Answer) => void, withinMs: number) {
    this.#resolve = resolve
    this.#timer = setTimeout(() => {
      this.#isOver = true
      resolve({ kind: 'timeout' })
      this.#controller?.abort(new Error('the deadline has passed'))
    }, withinMs)
  }

  /** Perhaps long after it was asked for: the connections may all be in use. */
  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(new Error('the deadline has passed'))
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders): void {
    if (this.#isOver || status < 200) return
    clearTimeout(this.#timer)
    this.#head = { status, headers }
    const length = headers['content-length']
    if (length !== undefined && Number(length) <= wholeBytes) return
    this.#stream = new Readable({
      read: () => controller.resume(),
      destroy: (error, done) => {
        if (!this.#isOver) controller.abort(error ?? new Error('nobody reads on'))
        done(error)
      },
    })
    this.#stream.on('error', () => {}) // whoever reads it hears of it, too; an answer that nobody reads ends no process
    this.#resolve({ kind: 'answer', status, headers, body: this.#stream })
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#stream === undefined) this.#chunks.push(chunk)
    else if (!this.#stream.push(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.#isOver = true
    if (this.#stream) this.#stream.push(null)
    else if (this.#head) this.#resolve({ kind: 'answer', ...this.#head, body: this.#whole() })
  }

  onResponseError(_controller: Controller, error: Error): void {
    clearTimeout(this.#timer)
    this.#isOver = true
    if (this.#stream) this.#stream.destroy(error)
    else this.#resolve({ kind: 'unavailable' }) // after a timeout nobody listens any more
  }

  #whole(): Buffer {
    const [only] = this.#chunks
    return this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks)
  }
}
