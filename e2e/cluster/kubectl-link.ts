/** kubectl where everybody finds it: a link into the cache, there while a cluster of ours is up. */
import { lstatSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

export const usualPlace = '/usr/local/bin/kubectl'

/** Links the kubectl of `folder`, unless somebody put something there; true when it did. */
export function linkKubectl(folder: string, place: string): boolean {
  if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) return false
  symlinkSync(join(folder, 'kubectl'), place)
  return true
}

/** Removes the link if it leads into `cache`, and nothing else; true when it did. */
export function unlinkKubectl(cache: string, place: string): boolean {
  const isOurs =
    lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true &&
    readlinkSync(place).startsWith(join(cache, '/'))
  if (isOurs) rmSync(place)
  return isOurs
}
