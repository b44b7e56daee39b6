/** The samples and the data that belongs to them fit together. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import { naturalId } from '#dataservice/record/natural-id.ts'
import { valueAt } from '#dataservice/record/pointer.ts'
import { recordDeclaration } from '#operator/desired/settings-config-map.ts'
import { earthquakeRecords, earthquakes, earthquakesManifest } from './earthquakes.ts'
import { flightRecords, flights, flightsManifest } from './flights.ts'

async function sample(file: string): Promise<DataService> {
  const documents = parseAllDocuments(await readFile(file, 'utf8')).map(document => document.toJS())
  const service = documents.find(({ kind }) => kind === 'DataService')
  if (service === undefined) throw new Error(`no DataService in ${file}`)
  return service
}

test.each([
  ['flights', flightsManifest, flights, flightRecords, 20_000],
  ['earthquakes', earthquakesManifest, earthquakes, earthquakeRecords, 1_707],
] as const)('%s: every record of the data set is valid', async (_, file, ref, records, count) => {
  const { metadata, spec } = await sample(file)
  expect(metadata).toMatchObject(ref)
  const verdict = judgeRecord(recordDeclaration(spec.record))
  if (verdict.kind === 'refused') throw new Error(JSON.stringify(verdict.problems))
  const texts = await records()
  expect(texts).toHaveLength(count)
  expect(texts.flatMap(text => verdict.record.check(JSON.parse(text)) ?? [])).toEqual([])
})

test('earthquakes: every record has an id of its own', async () => {
  const { spec } = await sample(earthquakesManifest)
  const path = spec.record.id?.split('/').slice(1) ?? []
  const ids = (await earthquakeRecords()).map(text => naturalId(valueAt(JSON.parse(text), path)))
  expect(new Set(ids.map(found => (found.kind === 'id' ? found.id : undefined))).size).toBe(1_707)
})
