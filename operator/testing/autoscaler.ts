/** Autoscalers that somebody else made, for tests. */
import type { ObservedChild } from '#operator/desired/target.ts'

const groups = { DataService: 'dataservice.dev/v1alpha1', Deployment: 'apps/v1' } as const

/** In namespace `shop`; the target is written `Kind/name`. */
export function autoscaler(name: string, target: `${keyof typeof groups}/${string}`): ObservedChild {
  const [kind, scaled] = target.split('/')
  const apiVersion = kind === 'DataService' ? groups.DataService : groups.Deployment
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: 'shop', labels: {}, uid: `uid-of-${name}` },
    spec: { scaleTargetRef: { apiVersion, kind, name: scaled }, minReplicas: 1, maxReplicas: 10 },
  }
}
