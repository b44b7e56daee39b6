/** Lists for a caller that may see records of one key only. Pure. */
import type { AcceptedRecord, DeclaredIndex } from '#dataservice/contract/record-declaration.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import { isReserved } from './parameters.ts'

export type KeyPlace = Pick<AcceptedRecord, 'keyPath' | 'indexes'>

/**
 * The query (what stands behind `?`) with the caller's own key among its fields, so that an index finds the records.
 * Whose they are is asked by `PageQuestion.own` in any case. Throws a Problem when there is no such index, or when the
 * query asks for another key, which could only cost time.
 */
export function narrowed(search: string, own: string, place: KeyPlace): string {
  const query = new URLSearchParams(search)
  if (query.has('id')) return search // found by their ids
  const parameter = keyParameter(place)
  const plain = isReserved(parameter) ? undefined : parameter
  const names = [plain, `${parameter}[eq]`]
  const isOther = [...query].some(([name, value]) =>
    names.includes(name) ? value !== own : name.startsWith(`${parameter}[`),
  )
  if (isOther)
    throw new Problem('foreign-record', { errors: [{ parameter, message: 'must be your own key' }] })
  const rest = [...query].filter(([name]) => !names.includes(name))
  return new URLSearchParams([...rest, [`${parameter}[eq]`, own]]).toString()
}

function keyParameter({ keyPath, indexes }: KeyPlace): string {
  if (keyPath === undefined)
    throw new Problem('forbidden', { detail: 'The key of a record is its id: ask for it by id.' })
  const pointer = `/${keyPath.map(escaped).join('/')}`
  const field = fieldsOf(indexes).find(each => each.pointer === pointer)
  if (field !== undefined) return field.parameter
  const wanted = JSON.stringify({ fields: [pointer] })
  throw new Problem('invalid-query', {
    detail: `You see only your own records, and there is no index to find them by: declare ${wanted} in spec.record.indexes.`,
  })
}

const fieldsOf = (indexes: readonly DeclaredIndex[]) => indexes.flatMap(({ fields }) => fields)
const escaped = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1')
