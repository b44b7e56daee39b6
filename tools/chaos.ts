/**
 * `npm run chaos`: the scenarios whose faults last a minute or longer, in full length; `npm test` runs the same files
 * with short faults. `npm run chaos -- at-rest engines-away` runs some of them.
 */
import { lengthVariable } from '#e2e/scenarios/lengths.ts'
import { runAndTell } from '#tools/test.ts'

/** Scenarios by the name of their file, with what lasts long in them. */
export const scenarios: Readonly<Record<string, string>> = {
  'a-node-lost': 'a broker, the Postgres primary and the node they run on are lost one after the other',
  'api-server-away': 'the API server is away for a minute',
  'at-rest': 'both samples rest for ten minutes',
  'engines-away': 'Postgres hangs for a minute, Kafka cannot be reached for a minute',
}

/** The arguments of the test command. Throws an Error that names what is wrong. */
export function testArguments(names: readonly string[]): string[] {
  const known = Object.keys(scenarios)
  const unknown = names.filter(name => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`unknown scenario '${unknown.join(', ')}'; known: ${known.join(', ')}`)
  const files = (names.length > 0 ? names : known).map(name => `e2e/scenarios/${name}.`)
  return ['--project', 'node', ...files]
}

if (import.meta.main) {
  process.env[lengthVariable] = 'full'
  process.exitCode = await runAndTell('npm run chaos', () => testArguments(process.argv.slice(2)))
}
