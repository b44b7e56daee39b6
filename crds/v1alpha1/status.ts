/** `status` of a DataService: what the operator last saw. Nothing fast-changing stands here; rates and lag are metrics. */
import { type Static, Type } from 'typebox'
import { builtInClass, type HopMode, hopModes, type Provider, providers } from './built-in.ts'
import type { ConditionType, RootReason } from './conditions.ts'

export const Condition = Type.Object(
  {
    type: Type.Unsafe<ConditionType>({
      type: 'string',
      maxLength: 64,
      description:
        'What the condition is about: Ready, Reconciling, Stalled, or one part such as GatewayReady.',
    }),
    status: Type.Unsafe<'True' | 'False' | 'Unknown'>({
      type: 'string',
      enum: ['True', 'False', 'Unknown'],
      description: 'Whether it holds. Unknown: not seen yet.',
    }),
    reason: Type.Unsafe<RootReason>({
      type: 'string',
      minLength: 1,
      maxLength: 64,
      pattern: '^[A-Za-z][A-Za-z0-9]*$',
      description: 'Why, as one word for programs.',
    }),
    message: Type.String({
      maxLength: 4096,
      description: 'Why, as a sentence for people; it names the object and the remedy.',
    }),
    lastTransitionTime: Type.String({
      format: 'date-time',
      maxLength: 40,
      description: 'When status last changed.',
    }),
    observedGeneration: Type.Integer({
      format: 'int64',
      minimum: 0,
      description: 'The generation of the spec that this condition speaks of.',
    }),
  },
  { description: 'One statement about the data service.' },
)
export type Condition = Static<typeof Condition>

const keptNumber = (part: string) =>
  Type.Optional(
    Type.Integer({
      format: 'int32',
      minimum: 0,
      description: `Pods that the ${part} had when it was put to sleep.`,
    }),
  )

const Hibernation = Type.Object(
  {
    replicas: Type.Object(
      { gateway: keptNumber('gateway'), writer: keptNumber('writer'), reader: keptNumber('reader') },
      { description: 'Pods that parts had when they were put to sleep.' },
    ),
  },
  { description: 'What comes back when the data service wakes; absent while all of it is awake.' },
)

const WriterScaling = Type.Object(
  {
    limitedBy: Type.Optional(
      Type.Unsafe<'Partitions' | 'Database' | 'Max'>({
        type: 'string',
        enum: ['Partitions', 'Database', 'Max'],
        description:
          'Why there are no more writers although records wait: there are no more partitions, Postgres would not store ' +
          'more (or has no more connections), or writer.autoscaling.maxReplicas is reached.',
      }),
    ),
    changedAt: Type.Optional(
      Type.String({
        format: 'date-time',
        maxLength: 40,
        description: 'When the operator last changed the number.',
      }),
    ),
    from: Type.Optional(
      Type.Integer({ format: 'int32', minimum: 0, description: 'The number of pods before that.' }),
    ),
    recordsPerSecond: Type.Optional(
      Type.Integer({ format: 'int64', minimum: 0, description: 'What those stored in a second.' }),
    ),
  },
  { description: 'The number of writer pods, with writer.autoscaling.mode Lag.' },
)
export type WriterScaling = Static<typeof WriterScaling>

const provider = (engine: string, others: readonly Provider[] = []) =>
  Type.Unsafe<Provider>({
    type: 'string',
    enum: providers.filter(each => each === 'managed' || each === 'external' || others.includes(each)),
    description: `Who runs ${engine}: the operator (managed), ${others.map(each => `${each}, `).join('')}or somebody else (external).`,
  })

const Upgrade = Type.Object(
  {
    phase: Type.Unsafe<'Waiting' | 'Pinned' | 'Rolling'>({
      type: 'string',
      enum: ['Waiting', 'Pinned', 'Rolling'],
      description: 'Waiting for its turn, held by spec.operatorRevision, or on the way.',
    }),
    to: Type.String({ maxLength: 64, description: 'Revision of the operator.' }),
    // Absent where an older operator wrote it.
    spec: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'Tells whether the spec asks for other pods since it waits.',
      }),
    ),
    startedAt: Type.Optional(
      Type.String({
        format: 'date-time',
        maxLength: 64,
        description: 'When its turn came. One that was not Ready then keeps it for ten minutes at most.',
      }),
    ),
    wasReady: Type.Optional(
      Type.Boolean({
        description: 'Whether it was Ready when its turn came; its turn then lasts until it is again.',
      }),
    ),
    wasPassing: Type.Optional(
      Type.Boolean({
        description:
          'Whether probe records came through when its turn came; its turn then lasts until one has come through that was sent ' +
          'after it became Ready again.',
      }),
    ),
  },
  { description: 'The way to a newer revision; absent while there is none.' },
)
export type Upgrade = Static<typeof Upgrade>

export const DataServiceStatus = Type.Object(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        format: 'int64',
        minimum: 0,
        description: 'The generation of the spec that this status speaks of.',
      }),
    ),
    conditions: Type.Optional(
      Type.Array(Condition, {
        maxItems: 32,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        description: 'Ready first of all: kubectl wait --for=condition=Ready dsvc/NAME waits for it.',
      }),
    ),
    replicas: Type.Optional(
      Type.Integer({ format: 'int32', minimum: 0, description: 'Pods of the gateway that exist now.' }),
    ),
    selector: Type.Optional(
      Type.String({
        maxLength: 1024,
        description: 'Selects the pods of the gateway, as text; autoscalers read it.',
      }),
    ),
    endpoints: Type.Optional(
      Type.Object(
        {
          gateway: Type.Optional(
            Type.String({
              maxLength: 512,
              description:
                'Address of the HTTP API inside the cluster, for example http://orders-gateway.shop.svc.',
            }),
          ),
        },
        { description: 'Where clients find the data service.' },
      ),
    ),
    className: Type.Optional(
      Type.String({
        maxLength: 253,
        description: `DataServiceClass in force; ${builtInClass} when there is none. It stays when another class becomes the default.`,
      }),
    ),
    revision: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'Revision of the operator (version and hash of its images) that the pods are of.',
      }),
    ),
    upgrade: Type.Optional(Upgrade),
    hibernation: Type.Optional(Hibernation),
    scaling: Type.Optional(
      Type.Object({ writer: WriterScaling }, { description: 'What the operator scales itself.' }),
    ),
    providers: Type.Optional(
      Type.Object(
        {
          kafka: provider('Kafka', ['strimzi']),
          postgres: provider('Postgres', ['cloudNativePG']),
          redis: provider('Redis'),
        },
        { description: 'Who runs each engine, since the operator first made something. It never changes.' },
      ),
    ),
    security: Type.Optional(
      Type.Object(
        {
          tls: Type.Unsafe<HopMode>({
            type: 'string',
            enum: [...hopModes],
            description: 'What protects the way between the parts. It changes only while all of them sleep.',
          }),
          authority: Type.Optional(
            Type.Integer({
              format: 'int32',
              minimum: 1,
              description: 'Number of the authority that signs certificates: the first one is 1.',
            }),
          ),
        },
        { description: 'What protects the way between the parts.' },
      ),
    ),
    kindsOfOthers: Type.Optional(
      Type.Array(
        Type.String({
          maxLength: 63,
          description: 'Kind, as objects of it spell it. Example: Cluster.',
        }),
        {
          maxItems: 32,
          'x-kubernetes-list-type': 'set',
          description:
            'Kinds of other projects of which the operator makes objects for this DataService, or of which some are left.',
        },
      ),
    ),
    consumers: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ maxLength: 40, description: 'Its name in spec.consumers.' }),
            secret: Type.String({
              maxLength: 253,
              description:
                'The Secret that it mounts. The condition ConsumersReady tells whether it can be used.',
            }),
          },
          { description: 'A program that reads the log.' },
        ),
        {
          maxItems: 64,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          description:
            'Programs that read the log; one that is gone from the spec stays until its user is gone.',
        },
      ),
    ),
    schemaVersion: Type.Optional(
      Type.String({
        maxLength: 64,
        description:
          'Version of the record schema that all gateways take records to be of, unless a request names another: the name of the ' +
          'last of record.versions, or a hash of record.schema.',
      }),
    ),
  },
  { description: 'What the operator last saw. Written by the operator alone.' },
)
/** Every field is absent until the operator has seen the object once. */
export type DataServiceStatus = Static<typeof DataServiceStatus>
