/**
 * Counts what a test run did. Nothing that failed to run may look like success: a file that does not load,
 * a failing hook, an error outside any test and a skipped test all count as failed.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node'

export interface Tally {
  passed: number
  failed: number
}

/** The last line of every test command. */
export const closingLine = ({ passed, failed }: Tally): string => `${passed} passed, ${failed} failed`

export const sum = (tallies: readonly Tally[]): Tally => ({
  passed: tallies.reduce((total, { passed }) => total + passed, 0),
  failed: tallies.reduce((total, { failed }) => total + failed, 0),
})

/** When it is set, the reporter writes its tally there as JSON and leaves the closing line to whoever started it. */
export const tallyVariable = 'DATASERVICE_TEST_TALLY'

/** What a finished run says about itself, cut to what counts. */
export interface Outcome {
  /** One entry for each test. */
  tests: readonly ('passed' | 'failed' | 'skipped' | 'pending')[]
  /** Files and suites with an error of their own: they did not load, or a hook failed. */
  brokenSuites: number
  /** Files that never came to an end. */
  unfinishedFiles: number
  unhandledErrors: number
  /** Whether the user asked for some tests by name, so that the others are skipped on purpose. */
  selectedByName: boolean
}

export function tallyOf(outcome: Outcome): Tally {
  const passed = outcome.tests.filter(state => state === 'passed').length
  const wanted = outcome.selectedByName
    ? outcome.tests.filter(state => state !== 'skipped').length
    : outcome.tests.length
  const broken = outcome.brokenSuites + outcome.unfinishedFiles + outcome.unhandledErrors
  return { passed, failed: wanted - passed + broken }
}

/** The tally of a run that is known to have failed. */
export const atLeastOneFailed = ({ passed, failed }: Tally): Tally => ({
  passed,
  failed: Math.max(failed, 1),
})

/** The reporter; it stands in vitest.config.ts, so a plain vitest run ends with the line too. */
export class ClosingLine implements Reporter {
  #selectedByName = false

  onInit(vitest: Vitest): void {
    this.#selectedByName = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const outcome: Outcome = {
      tests: modules.flatMap(module => [...module.children.allTests()].map(test => test.result().state)),
      brokenSuites: modules.flatMap(brokenParts).length,
      unfinishedFiles: modules.filter(module => ['queued', 'pending'].includes(module.state())).length,
      unhandledErrors: unhandledErrors.length,
      selectedByName: this.#selectedByName,
    }
    const tally = tallyOf(outcome)
    const file = process.env[tallyVariable]
    if (file) writeFileSync(file, JSON.stringify(tally))
    // A set-up that failed leaves no trace but the exit code.
    else process.on('exit', code => console.log(closingLine(code === 0 ? tally : atLeastOneFailed(tally))))
  }
}

function brokenParts(module: TestModule): unknown[] {
  return [module, ...module.children.allSuites()].filter(part => part.errors().length > 0)
}
