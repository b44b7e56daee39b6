/** Operations on `shop/orders` for tests. */
import {
  apiVersion,
  kind,
  type Operation,
  type OperationSpec,
  type OperationStatus,
} from '#crds/v1alpha1/operation.ts'

export interface OperationStory {
  name: string
  spec?: Partial<OperationSpec>
  status?: OperationStatus
  created?: string
  annotations?: Record<string, string>
}

export const operation = (story: OperationStory): Operation => ({
  apiVersion,
  kind,
  metadata: {
    name: story.name,
    namespace: 'shop',
    uid: `0000-${story.name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: story.created ?? '2026-01-01T00:00:00Z',
    ...(story.annotations && { annotations: story.annotations }),
  },
  spec: { dataService: 'orders', type: 'Backup', cancel: false, ...story.spec },
  ...(story.status && { status: story.status }),
})
