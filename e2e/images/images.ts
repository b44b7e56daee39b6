/** All images a cluster needs, as archives in the cache; what did not change is not built again. */
import { classArchive } from '#e2e/engines/kafka.ts'
import { step } from '#tools/progress.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { writeArchive } from './archive.ts'
import { builtOnce, keepNewest } from './built-once.ts'
import { hasDockerEngine, imagesFromDocker } from './docker.ts'
import type { Image } from './image.ts'
import { type Base, buildWithBuildah, productOn } from './product.ts'
import { type EngineName, type EngineRecipe, engines, kafkaClassArchive, node } from './recipes.ts'
import { engineRoot, hashOf, nodeRoot, type RootFolder } from './root-folder.ts'

/** Each change of a source makes a product image of its own; other checkouts may still use the last few. */
const productsKept = 5

/**
 * Makes sure that the images of the product and its engines are there: official ones where a Docker engine runs,
 * else stand-ins. Cold some minutes, warm below a second. Rejects with the failed command and its last lines.
 */
export async function ensureImages(): Promise<Image[]> {
  return (await hasDockerEngine()) ? imagesFromDocker() : standIns()
}

async function standIns(): Promise<Image[]> {
  return Promise.all([product(), engine('kafka'), engine('postgres'), engine('redis')])
}

/** Files that are made by running what is in the root folder: path in the image -> file. */
const madeFiles: Partial<Record<EngineName, (root: RootFolder) => Promise<Record<string, string>>>> = {
  kafka: async root => ({ [kafkaClassArchive]: await classArchive(root) }),
}

async function engine(role: EngineName): Promise<Image> {
  const { reference, environment, imageEnvironment, imageUser, official }: EngineRecipe = engines[role]
  const root = await engineRoot(role)
  const image = { reference, environment: { ...environment, ...imageEnvironment }, user: imageUser, official }
  const files = (await madeFiles[role]?.(root)) ?? {}
  const key = hashOf([root.key, image, files])
  const archive = await builtOnce(cacheFolder('images'), `${role}-${key}.tar`, file => {
    step(`writing ${reference}`)
    return writeArchive(root.path, image, file, files)
  })
  return { role, reference, archive, key }
}

async function product(): Promise<Image> {
  const { path, key } = await nodeRoot()
  const image = { ...node, user: '' }
  const archive = await builtOnce(cacheFolder('images'), `node-${key}.tar`, file =>
    writeArchive(path, image, file),
  )
  return productImage({ reference: node.reference, key, archive })
}

async function productImage(base: Base & { archive: string }): Promise<Image> {
  const product = await productOn(base)
  const archive = await builtOnce(cacheFolder('images'), `dataservice-${product.key}.tar`, file => {
    step(`building ${product.reference}`)
    return buildWithBuildah(product, base, file)
  })
  await keepNewest(cacheFolder('images'), 'dataservice-', productsKept)
  return { role: 'dataservice', ...product, archive }
}
