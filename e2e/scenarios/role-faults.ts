/** Parts of a role stack are killed and come back while a load goes on. */
import type { Role } from '#dataservice/contract/names.ts'
import type { RoleProcess } from '#dataservice/testing/role-process.ts'
import type { Postgres } from '#e2e/engines/postgres.ts'
import { type RoleStack, ready } from './open-role-stack.ts'

export type ServingRole = Extract<Role, 'gateway' | 'writer' | 'reader'>

export interface ServingRoles {
  /** Ends one by the signal, and starts it anew. `which`: of several, from 0. */
  restart(role: ServingRole, signal?: NodeJS.Signals, which?: number): Promise<void>
  /** One that runs now. */
  process(role: ServingRole, which?: number): RoleProcess
  /** Starts one more; answers its number. */
  add(role: ServingRole): Promise<number>
  /** Ends one for good; those behind it move up. */
  end(role: ServingRole, signal: NodeJS.Signals, which: number): Promise<void>
  allReady(): Promise<void>
}

/** Makes the tables, starts gateway, writers and reader, and waits until they are ready. */
export async function serve(world: Pick<RoleStack, 'start'>, writers = 1): Promise<ServingRoles> {
  const migrate = await world.start('migrate')
  if ((await migrate.exitCode) !== 0) throw new Error(`the migration failed\n${migrate.log()}`)
  const running: Record<ServingRole, RoleProcess[]> = {
    gateway: [await world.start('gateway')],
    writer: await Promise.all(Array.from({ length: writers }, () => world.start('writer'))),
    reader: [await world.start('reader')],
  }
  const find = (role: ServingRole, which: number): RoleProcess => {
    const found = running[role][which]
    if (!found) throw new Error(`there is no ${role} ${which}`)
    return found
  }
  const allReady = async () => void (await Promise.all(Object.values(running).flat().map(ready)))
  await allReady()
  return {
    allReady,
    process: (role, which = 0) => find(role, which),
    async add(role) {
      running[role].push(await world.start(role))
      return running[role].length - 1
    },
    async end(role, signal, which) {
      const ended = find(role, which)
      running[role].splice(which, 1)
      ended.signal(signal)
      await ended.exitCode
    },
    async restart(role, signal = 'SIGKILL', which = 0) {
      const ended = find(role, which)
      ended.signal(signal)
      await ended.exitCode
      running[role][which] = await world.start(role)
    },
  }
}

/** Kills an engine and starts it again. */
export async function again(
  { kill, start }: Pick<Postgres, 'kill' | 'start'>,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<void> {
  await kill(signal)
  await start()
}

type Fault = () => Promise<void>

/** Spreads faults evenly over a load of `total`: `reached` hears how far the load is, `over` waits until all have been. */
export function spread(faults: readonly Fault[], total: number) {
  const running: Promise<void>[] = []
  return {
    reached(count: number): void {
      if (count < ((running.length + 1) * total) / (faults.length + 1)) return
      const fault = faults[running.length]
      if (fault) running.push(fault())
    },
    async over(): Promise<void> {
      await Promise.all(running)
      if (running.length < faults.length)
        throw new Error(`only ${running.length} of ${faults.length} faults have been`)
    },
  }
}
