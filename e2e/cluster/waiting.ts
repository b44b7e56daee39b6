/** Waiting for a condition, with an error that says where to look. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

export interface UntilOptions {
  timeoutMs: number
  everyMs?: number
}

/** Asks again and again until the answer is true; answers false after the time limit. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs, everyMs = 200 }: UntilOptions,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    if (await condition()) return true
    if (Date.now() >= deadline) return false
    await pause(everyMs)
  }
}

export interface WaitOptions extends UntilOptions {
  /** The end of "gave up waiting for …". */
  what: string
  /** Log files to read when it fails; the end of the first is part of the error. */
  logs: readonly string[]
  /** Answers why waiting longer is useless, as soon as it is. */
  hopeless?: () => string | undefined
}

/** Like `until`, but rejects after the time limit with the logs to read. */
export async function waitFor(condition: () => boolean | Promise<boolean>, options: WaitOptions) {
  let reason: string | undefined
  const holds = await until(async () => {
    if (await condition()) return true
    reason = options.hopeless?.()
    return reason !== undefined
  }, options)
  if (holds && reason === undefined) return
  const [first] = options.logs
  throw new Error(
    [
      reason ?? `gave up waiting for ${options.what} after ${options.timeoutMs / 1000} s`,
      `read: ${options.logs.join(' ')}`,
      ...(first ? [lastLines(first)] : []),
    ].join('\n'),
  )
}

/** The last lines of a log that may be large or absent. */
function lastLines(file: string, count = 8): string {
  try {
    const handle = openSync(file, 'r')
    const size = fstatSync(handle).size
    const tail = Buffer.alloc(Math.min(size, 8_192))
    readSync(handle, tail, 0, tail.length, size - tail.length)
    closeSync(handle)
    return tail
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .slice(-count)
      .map(line => line.slice(0, 300))
      .join('\n')
  } catch {
    return '(there is no such log yet)'
  }
}
