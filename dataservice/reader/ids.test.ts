import { describe, expect, test } from 'vitest'
import { indexBounds } from '#dataservice/contract/record-fields.ts'
import { maxIdCharacters } from '#dataservice/record/natural-id.ts'
import { idOfUrl, idSchemes } from './ids.ts'

describe('the id of a URL', () => {
  test.each(['a', 'a/b', '../etc/passwd', '%2f', '%252F', 'a?b#c', '𝒳 ü', '\n', '"', 'x'.repeat(600)])(
    '%j comes back as it was encoded',
    id => expect(idOfUrl(`/data/${encodeURIComponent(id)}?limit=1`)).toBe(id),
  )

  test.each(['/data/', '/data/a/b', '/data/%', '/data/%ED%A0%80', '/data/%ff', '/other/a', '/data'])(
    '%s names none',
    url => expect(idOfUrl(url)).toBeUndefined(),
  )
})

test('what the schema of an id lets in can be asked for', () => {
  expect(maxIdCharacters).toBe(indexBounds.characters)
})

describe('ids', () => {
  const now = Date.UTC(2026, 0, 1)
  const uuid = '019B76DA-A800-7000-8000-000000000000'

  test('of ours are written in lower case and carry the time that tells whether their record may be on its way', () => {
    const { canonical, mayBeOnItsWay } = idSchemes.Time
    expect(canonical(uuid)).toBe(uuid.toLowerCase())
    expect(canonical('order 1')).toBeUndefined()
    expect(mayBeOnItsWay(uuid.toLowerCase(), now + 1_000)).toBe(true)
    expect(mayBeOnItsWay(uuid.toLowerCase(), now + 11_000)).toBe(false)
  })

  test('of records are taken as they are', () => {
    const { canonical, mayBeOnItsWay } = idSchemes.Hash
    for (const id of [uuid, 'Order 1', '../x', '%2F', '𝒳'.repeat(600)]) expect(canonical(id)).toBe(id)
    expect(mayBeOnItsWay('Order 1', now)).toBe(false)
  })

  test.each(['', '.', '..', 'a\0b', '\ud800', 'x'.repeat(1_201)])('of records are never %j', id =>
    expect(idSchemes.Hash.canonical(id)).toBeUndefined(),
  )
})
