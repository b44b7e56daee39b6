/** The image of the product: built from the Dockerfile, never by other means. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { copyDocs, makeBundles } from '#tools/bundle.ts'
import { ensurePackages } from '#tools/packages.ts'
import { run } from '#tools/shell.ts'
import { cacheFolder, root } from '#tools/workspace.ts'

/** The base image: its name and what identifies its content. */
export interface Base {
  reference: string
  key: string
}

export interface ProductImage {
  /** `localhost/dataservice:<hash>`: pods roll exactly when the image changes. */
  reference: string
  key: string
}

/** Makes the bundles and names the image they belong in. */
export async function productOn(base: Base): Promise<ProductImage> {
  const hash = createHash('sha256').update(base.reference).update(base.key)
  hash.update(await readFile(join(root, 'Dockerfile')))
  for (const { content } of await makeBundles()) hash.update(content)
  for (const content of await copyDocs()) hash.update(content)
  const key = hash.digest('hex').slice(0, 12)
  return { reference: `localhost/dataservice:${key}`, key }
}

/** Builds the image with buildah on a base that lies as an archive, into the file `archive`; nothing else is kept. */
export async function buildWithBuildah(
  product: ProductImage,
  base: Base & { archive: string },
  archive: string,
): Promise<void> {
  await ensurePackages({ programs: { buildah: 'buildah', crun: 'crun' } })
  const storage = await mkdtemp(join(cacheFolder('tmp'), 'buildah-'))
  // A storage of its own, without mounts, leaves the user's images alone and no trace behind.
  const buildah = (...args: string[]) =>
    run('buildah', [
      '--storage-driver',
      'vfs',
      '--root',
      `${storage}/root`,
      '--runroot',
      `${storage}/run`,
      ...args,
    ])
  const limits = ['--isolation', 'chroot', '--network', 'host', '--pull-never']
  try {
    await buildah('pull', `docker-archive:${base.archive}`)
    await buildah('bud', ...limits, '--build-arg', `BASE=${base.reference}`, '--tag', product.reference, root)
    await buildah('push', product.reference, `docker-archive:${archive}:${product.reference}`)
  } finally {
    await rm(storage, { recursive: true })
  }
}
