/** Name and password for an engine that others run, from a Secret of the user. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { accessFiles } from '#dataservice/contract/names.ts'

export interface GivenAccess {
  /** Undefined where the Secret has no such entry. */
  username: string | undefined
  password: string
}

/** `field` names the Secret in the spec. Throws when it has no password. */
export function givenAccess(folder: string, field: string): GivenAccess {
  const entry = (name: string): string | undefined => {
    const file = join(folder, name)
    return existsSync(file) ? readFileSync(file, 'utf8').replace(/\n$/, '') : undefined
  }
  const password = entry(accessFiles.password)
  if (password === undefined) throw new Error(`the Secret of ${field} has no entry ${accessFiles.password}`)
  return { username: entry(accessFiles.username), password }
}
