/** What is said of a Kafka of ours that was asked and did not do it. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { partName } from '#operator/desired/names.ts'
import { kubectl } from './kubectl.ts'

/** `message`: which broker did not do what. */
export function logUnreachable({ metadata }: DataService, message: string): string {
  return `${message}. It is asked again; ${kubectl(metadata, `logs ${partName(metadata.name, 'kafka')}-0`)} tells what it does`
}
