/** The peer of the writer: psql's own `\copy`, from files, chunk by chunk, each chunk a transaction. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { engineFolder } from '#e2e/engines/folder.ts'
import type { MigratedService } from '#e2e/engines/migrated-database.ts'
import { chrootArguments } from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { run } from '#tools/shell.ts'
import type { Filled } from './filled-topic.ts'

const recipe = engines.postgres
const columns = 'id, key, accepted_at, schema_version, body'

/** Copies all rows, one file after the other. */
export type Copy = (service: MigratedService) => Promise<void>

/** Writes the rows as files of so many rows in COPY's text format. */
export async function copyChunks(
  records: Filled['records'],
  rowsEach: number,
  resources: AsyncDisposableStack,
): Promise<Copy> {
  const folder = await engineFolder()
  resources.defer(() => folder.remove())
  const files = await folder.own('chunks', recipe.user.id)
  const names: string[] = []
  for (let at = 0; at < records.length; at += rowsEach) {
    const name = `${names.length}.copy`
    await writeFile(
      join(files, name),
      records
        .slice(at, at + rowsEach)
        .map(line)
        .join(''),
    )
    names.push(name)
  }
  const seenAs = (name: string) => `${recipe.dataFolder}/${name}`
  const script = names.map(name => `\\copy records (${columns}) FROM '${seenAs(name)}'\n`).join('')
  await writeFile(join(files, 'all.sql'), script)
  return service => psql(files, service, ['--quiet', '--file', seenAs('all.sql')])
}

const line = ({ id, key, body }: Filled['records'][number]): string =>
  [id, key, new Date().toISOString(), '1a2b3c4d', body.replaceAll('\\', '\\\\')].join('\t').concat('\n')

async function psql(files: string, service: MigratedService, args: string[]): Promise<void> {
  const root = await engineRoot('postgres')
  const { database, primary, schema, users } = service.store
  const connection = `host=${primary.host} port=${primary.port} dbname=${database} user=${users.writer}`
  const { program, args: chrooted } = chrootArguments({
    root: root.path,
    userId: recipe.user.id,
    data: { folder: files, seenAs: recipe.dataFolder },
    environment: {
      ...recipe.environment,
      PGPASSWORD: service.password('writer'),
      PGOPTIONS: `-c search_path=${schema}`,
    },
    program: ['psql', '--no-psqlrc', '--set', 'ON_ERROR_STOP=1', connection, ...args],
  })
  await run(program, chrooted)
}

export async function psqlVersion(): Promise<string> {
  const root = await engineRoot('postgres')
  return (await run('chroot', [root.path, 'psql', '--version']))
    .trim()
    .replace('(PostgreSQL) ', '')
    .replace(/ \(.*/, '')
}
