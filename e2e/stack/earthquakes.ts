/** The sample with natural ids: its DataService, and the public data set that belongs to it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '#tools/workspace.ts'
import type { ServiceRef } from './service.ts'

export const earthquakes: ServiceRef = { namespace: 'geology', name: 'earthquakes' }
export const earthquakesManifest = join(root, 'config', 'samples', 'earthquakes.yaml')

/** 1,707 earthquakes, each as the JSON text that is posted. */
export async function earthquakeRecords(): Promise<string[]> {
  const file = join(root, 'node_modules', 'vega-datasets', 'data', 'earthquakes.json')
  const { features } = JSON.parse(await readFile(file, 'utf8')) as { features: object[] }
  return features.map(feature => JSON.stringify(feature))
}
