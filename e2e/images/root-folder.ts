/**
 * Root folders: whole file systems in the cache, one for each image.
 * A folder's name carries the hash of what it is made of, so it is never stale; it gets that name only when complete.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ensurePackages } from '#tools/packages.ts'
import { step } from '#tools/progress.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { builtOnce } from './built-once.ts'
import { copyRoot, debootstrap, installEngine } from './debian.ts'
import { copyJars } from './kafka-jars.ts'
import { buildNodeRoot, packagedNodeVersion } from './node-root.ts'
import { debian, type EngineName, type EngineRecipe, engines, node } from './recipes.ts'

export interface RootFolder {
  path: string
  /** Hash of everything it is made of. */
  key: string
}

/** Raise it when the way of building changes but no recipe does. */
const buildVersion = 1

/** The root folder of an engine; built when the cache lacks it (a minute or two). */
export async function engineRoot(name: EngineName): Promise<RootFolder> {
  const { imageEnvironment: _, ...recipe }: EngineRecipe = engines[name]
  return inCache(name, [debian, recipe], async folder => {
    const base = await debianRoot()
    await ensurePackages({ programs: recipe.jars.length > 0 ? { mvn: 'maven' } : {} })
    await copyRoot(base.path, folder)
    await Promise.all([installEngine(folder, recipe), copyJars(recipe.jars, join(folder, recipe.jarFolder))])
  })
}

/** The root folder of Node, the base of our own image. */
export async function nodeRoot(): Promise<RootFolder> {
  return inCache('node', [debian, node, packagedNodeVersion()], async folder => {
    const base = await debianRoot()
    await ensurePackages({ programs: { strip: 'binutils' } })
    await buildNodeRoot(folder, base.path)
  })
}

function debianRoot(): Promise<RootFolder> {
  return inCache('debian', [debian], async folder => {
    await ensurePackages({ programs: { debootstrap: 'debootstrap' } })
    await debootstrap(folder)
  })
}

async function inCache(
  name: string,
  ingredients: readonly unknown[],
  build: (folder: string) => Promise<void>,
): Promise<RootFolder> {
  const key = hashOf([buildVersion, process.arch, ...ingredients])
  const path = await builtOnce(cacheFolder('rootfs'), `${name}-${key}`, folder => {
    refuseUnlessRoot(name)
    return timed(`the root folder of ${name}`, () => build(folder))
  })
  return { path, key }
}

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  step(`building ${what}`)
  const started = Date.now()
  await work()
  step(`built ${what} in ${Math.round((Date.now() - started) / 1000)} s`)
}

function refuseUnlessRoot(name: string): void {
  if (process.getuid?.() === 0) return
  throw new Error(
    `building the root folder of ${name} needs root (debootstrap and chroot): run this command as root`,
  )
}

/** A short name for what something is made of. */
export function hashOf(ingredients: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(ingredients)).digest('hex').slice(0, 12)
}
