/** Passwords as the kubelet brings them to the pod of an engine. */
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoginSet } from '#dataservice/contract/names.ts'
import { turnedKeys, turnKey } from '#operator/desired/secrets.ts'

/** The Secret of a set; undefined takes it away. A password is its prefix and whose it is: `second-writer`. */
export type MountPasswords = (
  set: LoginSet,
  passwords: { turn: number; prefix: string } | undefined,
) => Promise<void>

/** A folder for each version, and a link that is turned. */
export function mounting(folder: string): MountPasswords {
  let versions = 0
  return async (set, passwords) => {
    const version = `..${++versions}`
    const at = join(folder, String(set))
    await mkdir(join(at, version))
    for (const [who, key] of Object.entries(passwords === undefined ? {} : turnedKeys))
      await writeFile(join(at, version, key), `${passwords?.prefix}-${who}`)
    if (passwords !== undefined) await writeFile(join(at, version, turnKey), String(passwords.turn))
    await symlink(version, join(at, '..data_tmp'))
    await rename(join(at, '..data_tmp'), join(at, '..data'))
    for (const name of [...Object.values(turnedKeys), turnKey]) {
      await rm(join(at, name), { force: true })
      if (passwords !== undefined) await symlink(`..data/${name}`, join(at, name))
    }
  }
}
