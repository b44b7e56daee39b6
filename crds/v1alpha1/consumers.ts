/** `spec.consumers`: programs of others that read the log. */
import { type Static, Type } from 'typebox'
import { Peer } from './network.ts'

/** Who asks how many records wait, where KEDA scales the writer. */
export const scalerConsumer = 'writer-scaler'

const Consumer = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 40,
      pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
      description: 'What the Secret and the groups are named after. Example: billing.',
    }),
    from: Type.Optional(
      Type.Array(Peer, {
        minItems: 1,
        maxItems: 16,
        'x-kubernetes-list-type': 'atomic',
        description:
          'Where its pods are, for the NetworkPolicy of a managed Kafka. Example: [{namespaceLabels: ' +
          '{kubernetes.io/metadata.name: billing}}]. Default: pods of the same namespace with the label ' +
          'dataservice.dev/consumes: NAME, the name of the DataService.',
      }),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: `self.name != '${scalerConsumer}'`,
        message: `the consumer ${scalerConsumer} is the one by which KEDA sees the lag: choose another name`,
      },
    ],
    description: 'A program that reads the log with a user of its own.',
  },
)
export type Consumer = Static<typeof Consumer>

export const Consumers = Type.Array(Consumer, {
  maxItems: 16,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  description:
    'Programs of others that read the log of a managed Kafka, or of one that Strimzi runs. Each gets a Secret ' +
    'NAME-binding-<name> (Service Binding form) with a user who may read its topics, in groups of its own, and nothing else ' +
    '(docs/consumers.md). The first one, and the removal of the last one, restart managed brokers one by one. Example: [{name: billing}]. Default: nobody.',
})
