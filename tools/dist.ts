/** `npm run bundle`: makes `dist`, all that the Dockerfile copies, for whatever builds images where you are. */
import { copyDocs, makeBundles } from './bundle.ts'

await makeBundles()
await copyDocs()
console.log('dist is made; now build the image from the Dockerfile: docker build --tag NAME .')
