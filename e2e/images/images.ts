/** All images a cluster needs, as archives in the cache; what did not change is not built again. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '#tools/lock.ts'
import { step } from '#tools/progress.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { writeArchive } from './archive.ts'
import { hasDockerEngine, imagesFromDocker } from './docker.ts'
import { buildWithBuildah, productOn } from './product.ts'
import { type EngineName, engines, node } from './recipes.ts'
import { engineRoot, nodeRoot } from './root-folder.ts'

export interface Image {
  role: 'dataservice' | EngineName
  /** The name that pods use. */
  reference: string
  /** Path of the archive (docker-archive format, for `ctr images import` or `kind load image-archive`). */
  archive: string
  /** Identifies the content: two images with the same role and key are the same. */
  key: string
}

/**
 * Makes sure that the images of the product and its engines are there: official ones where a Docker engine runs,
 * else stand-ins. Cold some minutes, warm below a second. Rejects with the failed command and its last lines.
 */
export async function ensureImages(): Promise<Image[]> {
  return withLock(join(cacheFolder('images'), 'lock'), async () =>
    (await hasDockerEngine()) ? imagesFromDocker() : standIns(),
  )
}

async function standIns(): Promise<Image[]> {
  return Promise.all([product(), engine('kafka'), engine('postgres'), engine('redis')])
}

async function engine(role: EngineName): Promise<Image> {
  const { reference, environment, imageUser, official } = engines[role]
  const { path, key } = await engineRoot(role)
  const archive = join(cacheFolder('images'), `${role}-${key}.tar`)
  if (!existsSync(archive)) {
    step(`writing ${reference}`)
    await writeArchive(path, { reference, environment, user: imageUser, official }, archive)
  }
  return { role, reference, archive, key }
}

async function product(): Promise<Image> {
  const { path, key } = await nodeRoot()
  const base = { reference: node.reference, key, archive: join(cacheFolder('images'), `node-${key}.tar`) }
  if (!existsSync(base.archive)) await writeArchive(path, { ...node, user: '' }, base.archive)
  const image = await productOn(base)
  const archive = join(cacheFolder('images'), `dataservice-${image.key}.tar`)
  await buildWithBuildah(image, base, archive)
  return { role: 'dataservice', ...image, archive }
}
