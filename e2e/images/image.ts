/** One image, ready to be brought to the nodes. */
import type { EngineName } from './recipes.ts'

export interface Image {
  role: 'dataservice' | EngineName
  /** The name that pods use. */
  reference: string
  /** Path of the archive (docker-archive format, for `ctr images import` or `kind load image-archive`). */
  archive: string
  /** Identifies the content: two images with the same role and key are the same. */
  key: string
}
