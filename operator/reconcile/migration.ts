/** Which migration counts. Pure. */
import { migrateName, migratePrefix } from '#operator/desired/names.ts'
import type { Facts } from './facts.ts'
import { jobEnd } from './progress.ts'
import { keepsPods } from './upgrade/stand.ts'

/** Name of the Job. Pods that stay as they are need no other tables than they have, whatever made them. */
export function migrationOf({
  owner,
  target,
  children,
  stand,
}: Pick<Facts, 'owner' | 'target' | 'children' | 'stand'>): string {
  const { name } = owner.metadata
  const wanted = migrateName(name, target.settings.hash)
  if (!keepsPods({ stand, target })) return wanted
  const done = children.filter(
    child =>
      child.kind === 'Job' &&
      child.metadata.name.startsWith(migratePrefix(name)) &&
      jobEnd(child)?.succeeded === true,
  )
  return done[0]?.metadata.name ?? wanted
}
