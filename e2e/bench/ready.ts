/** Waits for a process of ours, and not for one that is gone. */
import { setTimeout as delay } from 'node:timers/promises'
import type { RoleProcess } from '#dataservice/testing/role-process.ts'

/** Resolves when the process is at work. Rejects with its last words when it ended. */
export async function ready(process: RoleProcess): Promise<void> {
  while ((await process.readiness()) !== 200) await aliveFor(process, 5)
}

/** Resolves after so many milliseconds. Rejects with the last words of the process when it ended. */
export async function aliveFor(process: RoleProcess, milliseconds: number): Promise<void> {
  const ended = process.exitCode.then(code => {
    throw new Error(`the process ended with exit code ${code}\n${process.log().slice(-2_000)}`)
  })
  await Promise.race([delay(milliseconds), ended])
}
