/** A peer that is a server of our own making: a process of its own, as ours is. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename, join } from 'node:path'
import { nodeFlags } from '#dataservice/contract/names.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { root } from '#tools/workspace.ts'

/** A server that is measured. */
export interface Server {
  url: string
  pid: number
}

interface Program {
  program: string
  args: readonly string[]
}

/** Starts a file of `peers` with the flags of our own processes. */
export const startPeer = (
  file: string,
  environment: Readonly<Record<string, string>>,
  resources: AsyncDisposableStack,
): Promise<Server> => {
  const args = [...nodeFlags('gateway'), join(root, 'e2e/bench/peers', file)]
  return startPeerProgram({ program: process.execPath, args }, environment, resources)
}

/** Starts a program that says a word when it listens on `PORT`. */
export async function startPeerProgram(
  { program, args }: Program,
  environment: Readonly<Record<string, string>>,
  resources: AsyncDisposableStack,
): Promise<Server> {
  const port = await freePort()
  // It must not outlive the benchmark, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment, PORT: String(port) },
  })
  const exited = once(child, 'exit')
  resources.defer(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const name = basename(args.at(-1) ?? program)
  if (child.pid === undefined) throw new Error(`${name} could not be started`)
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => {
      throw new Error(`${name} ended; its message is above`)
    }),
  ])
  return { url: `http://127.0.0.1:${port}`, pid: child.pid }
}
