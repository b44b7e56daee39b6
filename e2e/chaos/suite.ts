/** What a suite is given, and what it answers. */
import type { Chance } from './chance.ts'
import type { Figure } from './figures.ts'

/** `smoke` is for every change, `full` for a night. */
export type Size = 'smoke' | 'full'

export interface SuiteContext {
  size: Size
  /** All choices come from it. */
  chance: Chance
  /** What is handed to it goes when the suite has ended. */
  resources: AsyncDisposableStack
  /** Tells people what happens. */
  say(message: string): void
}

/** Does harm under load and lets the oracle judge. Rejects when it could not be done. */
export type Suite = (context: SuiteContext) => Promise<readonly Figure[]>
