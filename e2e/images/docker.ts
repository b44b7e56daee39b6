/**
 * Images where a Docker engine runs: the official ones are pulled, the product is built on node:24-slim.
 * Not run on a machine without an engine; there the stand-ins take this place.
 */
import { run } from '#tools/shell.ts'
import { cacheFolder, root } from '#tools/workspace.ts'
import { builtOnce } from './built-once.ts'
import type { Image } from './image.ts'
import { productOn } from './product.ts'
import { engines, node } from './recipes.ts'

/** True when `docker info` reaches an engine. */
export function hasDockerEngine(): Promise<boolean> {
  return run('docker', ['info'], { timeoutMs: 10_000 }).then(
    () => true,
    () => false,
  )
}

/** Pulls the official images, builds the product, and saves all of them as archives. */
export async function imagesFromDocker(): Promise<Image[]> {
  const roles = ['kafka', 'postgres', 'redis'] as const
  const official = roles.map(async role => {
    const reference = engines[role].official
    const key = await pulled(reference)
    return saved({ role, reference, key })
  })
  return Promise.all([product(), ...official])
}

async function product(): Promise<Image> {
  const image = await productOn({ reference: node.official, key: await pulled(node.official) })
  await run('docker', ['build', '--build-arg', `BASE=${node.official}`, '--tag', image.reference, root])
  return saved({ role: 'dataservice', ...image })
}

/** Pulls an image when it is not there; answers its id as a key. */
async function pulled(reference: string): Promise<string> {
  const id = () => run('docker', ['image', 'inspect', '--format', '{{.Id}}', reference])
  const found = await id().catch(async () => {
    await run('docker', ['pull', reference])
    return id()
  })
  return found.trim().replace('sha256:', '').slice(0, 12)
}

async function saved(image: Omit<Image, 'archive'>): Promise<Image> {
  const archive = await builtOnce(
    cacheFolder('images'),
    `docker-${image.role}-${image.key}.tar`,
    async file => {
      await run('docker', ['save', '--output', file, image.reference])
    },
  )
  return { ...image, archive }
}
