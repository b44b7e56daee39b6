import { describe, expect, test } from 'vitest'
import { acceptedRecord } from '#e2e/engines/service-settings.ts'
import { narrowed } from './own-records.ts'

const { indexes, keyPath } = acceptedRecord()
const place = { indexes, ...(keyPath && { keyPath }) }
describe('a list', () => {
  const query = (text: string) => narrowed(text, 'c&1', place)

  test.each([
    ['', 'customer%5Beq%5D=c%261'],
    ['limit=5&cursor=x', 'limit=5&cursor=x&customer%5Beq%5D=c%261'],
    ['customer=c%261', 'customer%5Beq%5D=c%261'],
    ['customer[eq]=c%261&from=2026', 'from=2026&customer%5Beq%5D=c%261'],
    ['id=a,b%2Cc', 'id=a,b%2Cc'],
  ])('%j is narrowed to %j', (asked, narrow) => {
    expect(query(asked)).toBe(narrow)
  })

  test.each(['customer=c2', 'customer=c%261&customer=c2', 'customer[in]=c2', 'customer[gte]=c%261'])(
    '%j asks for others: refused',
    asked => expect(() => query(asked)).toThrow('Callers see and write only their own records'),
  )

  test('a key that is called like a parameter is none', () => {
    const limit = { pointer: '/limit', path: ['limit'], parameter: 'limit', type: 'string' as const }
    const named = { indexes: [{ name: 'x', use: 'Lookup' as const, fields: [limit] }], keyPath: ['limit'] }
    expect(narrowed('limit=5', 'c1', named)).toBe('limit=5&limit%5Beq%5D=c1')
    expect(() => narrowed('limit[eq]=c2', 'c1', named)).toThrow('only their own records')
  })

  test('without an index on the key the answer names it', () => {
    const bare = { indexes: indexes.slice(1), keyPath: ['customer'] }
    expect(() => narrowed('', 'c1', bare)).toThrow(
      expect.objectContaining({
        status: 400,
        document: expect.objectContaining({
          detail: expect.stringContaining('declare {"fields":["/customer"]}'),
        }),
      }),
    )
  })

  test('where the id is the key there is no list', () => {
    expect(() => narrowed('', 'c1', { indexes })).toThrow(expect.objectContaining({ status: 403 }))
  })
})
