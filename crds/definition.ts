/** Builds the CustomResourceDefinition that users apply. Pure. */
import { structural } from './structural.ts'
import * as resource from './v1alpha1/resource.ts'

/** The largest object that `kubectl apply` can carry in its annotation; a larger CRD could not be applied by it. */
export const sizeLimit = 262_144

const columns = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].status',
    description: 'True when the data service does what its spec says.',
  },
  {
    name: 'Replicas',
    type: 'integer',
    jsonPath: '.status.replicas',
    description: 'Pods of the gateway that exist now.',
  },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    description: 'Why it is ready or not; the conditions tell the rest.',
  },
  {
    name: 'Age',
    type: 'date',
    jsonPath: '.metadata.creationTimestamp',
    description: 'Time since it was made.',
  },
] as const

/** Fields of every object. The API server describes them itself, and allows nothing else at metadata. */
const standardFields = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object' },
}

/** The OpenAPI schema of the whole object. */
export function dataServiceSchema() {
  const { properties, ...rest } = structural(resource.DataServiceSchema)
  return { ...rest, properties: { ...standardFields, ...(properties as object) } }
}

/** The CustomResourceDefinition of DataService. */
export function dataServiceDefinition() {
  const { group, version, kind, listKind, plural, singular, shortName, category } = resource
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind, plural, singular, shortNames: [shortName], categories: [category] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          schema: { openAPIV3Schema: dataServiceSchema() },
        },
      ],
    },
  }
}
