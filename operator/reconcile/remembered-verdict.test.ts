import { expect, test } from 'vitest'
import type { RecordDeclaration } from '#dataservice/contract/record-declaration.ts'
import { settingsOf } from '#operator/desired/settings-config-map.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { remembered } from './remembered-verdict.ts'

const { owner, effective } = targetOf(dataService())
const declared = settingsOf(owner, effective).record
const variant = (key: string): RecordDeclaration => ({ ...declared, key })

/** Notes the key of each declaration that it was asked for. */
function counting(most?: number) {
  const asked: (string | undefined)[] = []
  const judge = remembered(({ key }) => {
    asked.push(key)
    return { kind: 'refused', problems: [{ pointer: '/key', message: String(key) }] }
  }, most)
  return { asked, judge }
}

test('the same declaration is judged once, another one anew', () => {
  const { asked, judge } = counting()
  for (const key of ['/a', '/b', '/a', '/b']) {
    expect(judge(structuredClone(variant(key)))).toMatchObject({ problems: [{ message: key }] })
  }
  expect(asked).toEqual(['/a', '/b'])
})

test('what was not asked for longest is forgotten first', () => {
  const { asked, judge } = counting(2)
  for (const key of ['/a', '/b', '/a', '/c', '/a', '/b']) judge(variant(key))
  expect(asked).toEqual(['/a', '/b', '/c', '/b'])
})
