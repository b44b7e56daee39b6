/** Scenarios on the cluster whose faults last a minute or longer; `npm test` runs the same files with short faults. */
import { lengthVariable } from '#e2e/scenarios/lengths.ts'
import { runAndTell } from '#tools/test.ts'

/** Scenarios by the name of their file, with what lasts long in them. */
export const scenarios: Readonly<Record<string, string>> = {
  'a-node-lost': 'a broker, the Postgres primary and the node they run on are lost one after the other',
  'api-server-away': 'the API server is away for a minute',
  'at-rest': 'both samples rest for ten minutes',
  'engines-away': 'Postgres hangs for a minute, Kafka cannot be reached for a minute',
}

/** The arguments of the test command. */
export const testArguments = (names: readonly string[]): string[] => [
  '--project',
  'node',
  ...names.map(name => `e2e/scenarios/${name}.`),
]

/** Runs some in full length; answers whether all of them passed. */
export async function runScenarios(names: readonly string[]): Promise<boolean> {
  process.env[lengthVariable] = 'full'
  return (await runAndTell('npm run chaos', () => testArguments(names))) === 0
}
