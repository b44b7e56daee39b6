/** Builds the CustomResourceDefinitions that users apply. Pure. */
import { structural } from './structural.ts'
import * as classes from './v1alpha1/class.ts'
import * as operations from './v1alpha1/operation.ts'
import * as resource from './v1alpha1/resource.ts'

/** The largest object that `kubectl apply` can carry in its annotation; a larger CRD could not be applied by it. */
export const sizeLimit = 262_144

const age = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since it was made.',
}

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
    name: 'Class',
    type: 'string',
    jsonPath: '.status.className',
    description: 'DataServiceClass in force.',
    priority: 1,
  },
  age,
] as const

const classColumns = [
  {
    name: 'Default',
    type: 'string',
    jsonPath: `.metadata.annotations.${classes.defaultAnnotation.replaceAll('.', '\\.')}`,
    description: 'True for the class of new DataServices that name none.',
  },
  age,
] as const

const operationColumns = [
  { name: 'Type', type: 'string', jsonPath: '.spec.type', description: 'What is done.' },
  {
    name: 'DataService',
    type: 'string',
    jsonPath: '.spec.dataService',
    description: 'The DataService that it concerns.',
  },
  { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'How far it is.' },
  {
    name: 'Message',
    type: 'string',
    jsonPath: '.status.message',
    description: 'What it does, waits for, or ended with.',
  },
  age,
] as const

/** Fields of every object. The API server describes them itself, and allows nothing else at metadata. */
const standardFields = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object' },
}

/** The OpenAPI schema of a whole object. */
function schemaOf(source: object) {
  const { properties, ...rest } = structural(source)
  return { ...rest, properties: { ...standardFields, ...(properties as object) } }
}

export const dataServiceSchema = () => schemaOf(resource.DataServiceSchema)
export const dataServiceClassSchema = () => schemaOf(classes.DataServiceClassSchema)

export const operationSchema = () => schemaOf(operations.OperationSchema)

interface Named {
  kind: string
  listKind: string
  plural: string
  singular: string
  shortName: string
}

interface Version {
  additionalPrinterColumns: readonly object[]
  subresources?: object
  schema: { openAPIV3Schema: object }
}

function definition(scope: 'Namespaced' | 'Cluster', named: Named, more: Version) {
  const { group, version, category } = resource
  const { kind, listKind, plural, singular, shortName } = named
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind, listKind, plural, singular, shortNames: [shortName], categories: [category] },
      versions: [{ name: version, served: true, storage: true, ...more }],
    },
  }
}

/** The CustomResourceDefinition of DataService. */
export const dataServiceDefinition = () =>
  definition('Namespaced', resource, {
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
  })

/** The CustomResourceDefinition of DataServiceClass. */
export const dataServiceClassDefinition = () =>
  definition('Cluster', classes, {
    additionalPrinterColumns: classColumns,
    schema: { openAPIV3Schema: dataServiceClassSchema() },
  })

/** The CustomResourceDefinition of DataServiceOperation. */
export const operationDefinition = () =>
  definition('Namespaced', operations, {
    additionalPrinterColumns: operationColumns,
    subresources: { status: {} },
    schema: { openAPIV3Schema: operationSchema() },
  })
