/** The versions of our dependencies, as they are pinned. */
import product from '../package.json' with { type: 'json' }

export const versions = product.dependencies
