/** The sample: its DataService, and the public data set that belongs to it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '#tools/workspace.ts'
import type { ServiceRef } from './service.ts'

export const flights: ServiceRef = { namespace: 'demo', name: 'flights' }
export const flightsManifest = join(root, 'config', 'samples', 'flights.yaml')

/** 20,000 flights, each as the JSON text that is posted. */
export async function flightRecords(): Promise<string[]> {
  const file = join(root, 'node_modules', 'vega-datasets', 'data', 'flights-20k.json')
  const rows = JSON.parse(await readFile(file, 'utf8')) as object[]
  return rows.map(row => JSON.stringify(row))
}
