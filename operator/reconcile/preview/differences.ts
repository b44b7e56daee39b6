/** Which fields of an object would be another value. Pure. */
import { covers } from '#operator/desired/drift.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { annotationKeys } from '#operator/desired/labels.ts'

/** The seal differs with everything else. */
const ours = `metadata.annotations.${annotationKeys.desired}`

/** `spec.template.spec.containers[reader].image`, each once. */
export function differences(observed: unknown, wanted: unknown, path = ''): string[] {
  if (path === ours || covers(observed, wanted)) return []
  if (isPlainObject(wanted) && isPlainObject(observed))
    return Object.entries(wanted).flatMap(([key, value]) =>
      differences(observed[key], value, path === '' ? key : `${path}.${key}`),
    )
  if (Array.isArray(wanted) && Array.isArray(observed)) return inList(observed, wanted, path)
  return [path]
}

/** Things with a name are told by it; of other lists only that they differ. */
function inList(observed: readonly unknown[], wanted: readonly unknown[], path: string): string[] {
  const names = wanted.map(nameOf)
  if (!names.every(name => name !== undefined)) return [path]
  return wanted.flatMap((item, index) => {
    const name = names[index] ?? ''
    const other = observed.find(each => nameOf(each) === name)
    return other === undefined ? [`${path}[${name}]`] : differences(other, item, `${path}[${name}]`)
  })
}

const nameOf = (value: unknown): string | undefined =>
  isPlainObject(value) && typeof value['name'] === 'string' ? value['name'] : undefined
