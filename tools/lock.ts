/** Keeps two processes from making the same thing at once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs `work` while holding an exclusive lock on `file` (made when missing), waiting for it as long as needed.
 * The lock is held by a `flock` child that ends with us, so a crash never leaves it behind.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = once(holder, 'exit')
  gone.catch(() => {}) // the race below tells the reason when flock cannot be started
  const held = await Promise.race([once(holder.stdout, 'data').then(() => true), gone.then(() => false)])
  if (!held) throw new Error(`flock could not lock ${file}`)
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await gone
  }
}
