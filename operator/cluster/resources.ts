/** The kinds the operator reads or writes, and where the API server serves them. */
import { kindsOfOthers } from '#operator/desired/kinds-of-others.ts'

interface Resource {
  apiVersion: string
  plural: string
  namespaced: boolean
}

/** Adding a kind is one row here (and one in the table of children when the operator makes it). */
export const resources = {
  DataService: { apiVersion: 'dataservice.dev/v1alpha1', plural: 'dataservices', namespaced: true },
  DataServiceClass: {
    apiVersion: 'dataservice.dev/v1alpha1',
    plural: 'dataserviceclasses',
    namespaced: false,
  },
  DataServiceOperation: {
    apiVersion: 'dataservice.dev/v1alpha1',
    plural: 'dataserviceoperations',
    namespaced: true,
  },
  Deployment: { apiVersion: 'apps/v1', plural: 'deployments', namespaced: true },
  StatefulSet: { apiVersion: 'apps/v1', plural: 'statefulsets', namespaced: true },
  Service: { apiVersion: 'v1', plural: 'services', namespaced: true },
  ConfigMap: { apiVersion: 'v1', plural: 'configmaps', namespaced: true },
  Secret: { apiVersion: 'v1', plural: 'secrets', namespaced: true },
  ServiceAccount: { apiVersion: 'v1', plural: 'serviceaccounts', namespaced: true },
  PodDisruptionBudget: { apiVersion: 'policy/v1', plural: 'poddisruptionbudgets', namespaced: true },
  Job: { apiVersion: 'batch/v1', plural: 'jobs', namespaced: true },
  CronJob: { apiVersion: 'batch/v1', plural: 'cronjobs', namespaced: true },
  PersistentVolumeClaim: { apiVersion: 'v1', plural: 'persistentvolumeclaims', namespaced: true },
  Pod: { apiVersion: 'v1', plural: 'pods', namespaced: true },
  HorizontalPodAutoscaler: {
    apiVersion: 'autoscaling/v2',
    plural: 'horizontalpodautoscalers',
    namespaced: true,
  },
  NetworkPolicy: { apiVersion: 'networking.k8s.io/v1', plural: 'networkpolicies', namespaced: true },
  Lease: { apiVersion: 'coordination.k8s.io/v1', plural: 'leases', namespaced: true },
  Event: { apiVersion: 'events.k8s.io/v1', plural: 'events', namespaced: true },
  Namespace: { apiVersion: 'v1', plural: 'namespaces', namespaced: false },
  CustomResourceDefinition: {
    apiVersion: 'apiextensions.k8s.io/v1',
    plural: 'customresourcedefinitions',
    namespaced: false,
  },
  ...kindsOfOthers,
} as const satisfies Record<string, Resource>

export type Kind = keyof typeof resources

export const isKind = (kind: string): kind is Kind => Object.hasOwn(resources, kind)
