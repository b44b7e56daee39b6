/** Whose passwords backups have. They are not rolled behind the migration, and so look for it themselves. */
import { migrateName } from '../names.ts'
import { conditionIn } from '../observed-conditions.ts'
import type { Target } from '../target.ts'

/** The newest turn if the migration has logged in with its passwords, else the one before while it is open. */
export function provenTurn({ owner, settings, passwords, observed }: Target): number {
  const { turn, open } = passwords
  const migration = observed('Job', migrateName(owner.metadata.name, settings.hash))
  const isProven = conditionIn(migration?.status, 'Complete')?.['status'] === 'True'
  return isProven ? turn : Math.min(...open)
}
