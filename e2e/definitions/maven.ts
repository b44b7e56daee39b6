/** CRDs that a project generates from its Java classes, by its own generator; Java is the one that Kafka runs on. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { chrootArguments } from '#e2e/engines/process.ts'
import { copyJars } from '#e2e/images/kafka-jars.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { run } from '#tools/shell.ts'

export interface Generation {
  /** Maven coordinates. */
  jars: readonly string[]
  /** The main class. */
  generator: string
  options: readonly string[]
  /** File -> class. */
  classes: Readonly<Record<string, string>>
}

export async function generateDefinitions(
  { jars, generator, options, classes }: Generation,
  folder: string,
): Promise<void> {
  const root = await engineRoot('kafka')
  const jarFolder = await mkdtemp(join(folder, 'jars-'))
  await copyJars(jars, jarFolder)
  const seenAs = engines.kafka.dataFolder
  const inside = (file: string): string => file.replace(folder, seenAs)
  const wanted = Object.entries(classes).map(([file, name]) => `${name}=${seenAs}/${file}`)
  const { program, args } = chrootArguments({
    root: root.path,
    userId: 0,
    data: { folder, seenAs },
    environment: { PATH: '/usr/bin' },
    program: ['java', '-cp', `${inside(jarFolder)}/*`, generator, ...options, '--yaml', ...wanted],
  })
  await run(program, args)
  await rm(jarFolder, { recursive: true })
}
