/** Parts of a role stack are killed and come back while a load goes on. */
import { expect } from 'vitest'
import type { Role } from '#dataservice/contract/names.ts'
import type { Postgres } from '#e2e/engines/postgres.ts'
import { type RoleStack, ready } from './role-stack.ts'

type ServingRole = Extract<Role, 'gateway' | 'writer' | 'reader'>

export interface ServingRoles {
  /** Ends one by the signal, and starts it anew. */
  restart(role: ServingRole, signal?: NodeJS.Signals): Promise<void>
  allReady(): Promise<void>
}

/** Makes the tables, starts gateway, writer and reader, and waits until they are ready. */
export async function serve(world: Pick<RoleStack, 'start'>): Promise<ServingRoles> {
  const migrate = await world.start('migrate')
  expect(await migrate.exitCode, migrate.log()).toBe(0)
  const roles = {
    gateway: await world.start('gateway'),
    writer: await world.start('writer'),
    reader: await world.start('reader'),
  }
  const allReady = async () => void (await Promise.all(Object.values(roles).map(ready)))
  await allReady()
  return {
    allReady,
    async restart(role, signal = 'SIGKILL') {
      roles[role].signal(signal)
      await roles[role].exitCode
      roles[role] = await world.start(role)
    },
  }
}

/** Kills an engine and starts it again. */
export async function again({ kill, start }: Pick<Postgres, 'kill' | 'start'>): Promise<void> {
  await kill('SIGKILL')
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
      expect(running).toHaveLength(faults.length)
    },
  }
}
