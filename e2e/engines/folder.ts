/** Temporary folders of engines; those of test runs that crashed are removed by the next run. */
import { chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'dataservice-engine-'

export interface EngineFolder {
  path: string
  /** Makes a folder inside that belongs to this numeric user; answers its path. */
  own(name: string, userId: number): Promise<string>
  remove(): Promise<void>
}

/** A new folder in the system's temporary folder, named after our process. */
export async function engineFolder(): Promise<EngineFolder> {
  await removeAbandoned()
  const path = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  return {
    path,
    async own(name, userId) {
      const folder = join(path, name)
      await mkdir(folder, { mode: 0o700 })
      await chown(folder, userId, userId)
      return folder
    },
    remove: () => rm(path, { recursive: true, force: true }),
  }
}

async function removeAbandoned(): Promise<void> {
  const names = (await readdir(tmpdir())).filter(name => name.startsWith(prefix))
  const abandoned = names.filter(name => !isAlive(Number.parseInt(name.slice(prefix.length), 10)))
  await Promise.all(abandoned.map(name => rm(join(tmpdir(), name), { recursive: true, force: true })))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
