/**
 * Engines that others run. A Secret named here stands in the namespace of the DataService, also when a class names it:
 * its pods mount it, and the operator never reads it.
 */
import { type Static, Type } from 'typebox'
import { ObjectName, type Rule } from './scalars.ts'

const host = (example: string) =>
  Type.String({
    minLength: 1,
    maxLength: 253,
    pattern: '^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$|^[0-9A-Fa-f:]+$',
    description: `Name or IP address, as pods in the cluster reach it. Example: ${example}.`,
  })

const secretName = ObjectName({ description: 'Name of the Secret, in the namespace of the DataService.' })

const port = (standard: number, description = 'Port of the server.') =>
  Type.Integer({
    minimum: 1,
    maximum: 65535,
    default: standard,
    description: `${description} Example: ${standard + 1}. Default: ${standard}.`,
  })

export const CaSecretRef = Type.Object(
  {
    name: secretName,
    key: Type.String({
      minLength: 1,
      maxLength: 253,
      pattern: '^[-._a-zA-Z0-9]+$',
      default: 'ca.crt',
      description: 'Entry of the Secret that holds the certificates (PEM). Default: ca.crt.',
    }),
  },
  {
    description:
      'A Secret with the authority that signed the certificate of the server. Default: those that Node trusts.',
  },
)

const tls = (secret: string) =>
  Type.Object(
    { caSecretRef: Type.Optional(CaSecretRef) },
    {
      description:
        `Encrypts the connections; the certificate must be that of the host. Example: {caSecretRef: {name: ${secret}}}, ` +
        'or {} for a public authority. Default: connections are not encrypted.',
    },
  )

export const ExternalRedis = Type.Object(
  {
    host: host('cache.example.com'),
    port: port(6379),
    secretRef: Type.Optional(
      Type.Object(
        { name: secretName },
        {
          description:
            'A Secret with the entry password and, for an ACL user, username. Whoever changes it needs no restart: it ' +
            'counts for the next connection. Default: nobody logs in.',
        },
      ),
    ),
    tls: Type.Optional(tls('cache-ca')),
  },
  {
    description:
      'A Redis that others run, 7 or newer, without cluster mode; several DataServices may share it, each under keys of ' +
      'its own (docs/classes.md). The operator makes no Redis then, and never connects to this one; pods do. ' +
      'Example: {host: cache.example.com, tls: {}, secretRef: {name: cache}}.',
  },
)
export type ExternalRedis = Static<typeof ExternalRedis>

const KafkaTls = Type.Object(
  {
    caSecretRef: Type.Optional(CaSecretRef),
    clientCertificateRef: Type.Optional(
      Type.Object(
        { name: secretName },
        {
          description:
            'A Secret with the entries tls.crt and tls.key (PEM), the certificate that the brokers are shown. ' +
            'Default: none is shown.',
        },
      ),
    ),
  },
  {
    description:
      'Encrypts the connections; the certificate of a broker must be that of the name by which it is reached. Example: ' +
      '{caSecretRef: {name: kafka-ca}}, or {} for a public authority. Default: connections are not encrypted.',
  },
)

const Scram = Type.Object(
  {
    mechanism: Type.Unsafe<'SCRAM-SHA-256' | 'SCRAM-SHA-512'>({
      type: 'string',
      enum: ['SCRAM-SHA-256', 'SCRAM-SHA-512'],
      default: 'SCRAM-SHA-512',
      description: 'How the user logs in. Example: SCRAM-SHA-256. Default: SCRAM-SHA-512.',
    }),
    secretRef: Type.Object(
      { name: secretName },
      {
        description:
          'A Secret with the entries username and password. Whoever changes it needs no restart: it counts for the next ' +
          'connection.',
      },
    ),
  },
  {
    description:
      'A user who logs in by SASL/SCRAM. Example: {secretRef: {name: kafka}}. Default: nobody logs in.',
  },
)

export const ExternalKafka = Type.Object(
  {
    bootstrapServers: Type.Array(
      Type.String({
        minLength: 3,
        maxLength: 259,
        pattern: '^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?:[1-9][0-9]{0,4}$',
        description: 'Name or IPv4 address of a broker with its port, as pods in the cluster reach it.',
      }),
      {
        minItems: 1,
        maxItems: 10,
        'x-kubernetes-list-type': 'atomic',
        description: 'Brokers to ask first, as host:port. Example: [kafka.example.com:9093].',
      },
    ),
    scram: Type.Optional(Scram),
    tls: Type.Optional(KafkaTls),
    topics: Type.Unsafe<'Create' | 'Given'>({
      type: 'string',
      enum: ['Create', 'Given'],
      default: 'Create',
      description:
        'Create: the migration makes the topics and keeps their partitions and settings as this spec says. Given: others make ' +
        'them, and the condition TopicsReady says what is missing and how to make it. Example: Given. Default: Create.',
    }),
    replicationFactor: Type.Integer({
      minimum: 1,
      maximum: 7,
      default: 3,
      description:
        'Copies of each partition of the topics that are made; from 3 on two of them must have a record before it is ' +
        'accepted. Example: 1, where there is one broker. Default: 3.',
    }),
  },
  {
    description:
      'A Kafka that others run, 4.0 or newer; several DataServices may share it, each with topics and a group of its own ' +
      '(docs/classes.md). The operator makes no Kafka then, and never connects to this one; pods do. With ' +
      'deletionPolicy Delete the topics that it made go with the DataService. ' +
      'Example: {bootstrapServers: [kafka.example.com:9093], tls: {}, scram: {secretRef: {name: kafka}}}.',
  },
)
export type ExternalKafka = Static<typeof ExternalKafka>

export const oneKafka: Rule = {
  rule: '[has(self.managed), has(self.strimzi), has(self.external)].filter(each, each).size() <= 1',
  message: 'kafka is managed, strimzi or external: keep one of them',
}

export const ExternalPostgres = Type.Object(
  {
    host: host('db.example.com'),
    port: port(5432),
    replica: Type.Optional(
      Type.Object(
        { host: host('db-ro.example.com'), port: port(5432) },
        {
          description:
            'Where readers ask: a streaming replica, or a name for several. It may be a moment behind; while it is away, ' +
            'the primary answers. Example: {host: db-ro.example.com}. Default: readers ask the primary.',
        },
      ),
    ),
    database: Type.String({
      minLength: 1,
      maxLength: 63,
      pattern: '^[A-Za-z_][-A-Za-z0-9_]*$',
      description:
        'A database with the encoding UTF8 that is there already; several DataServices may share it, each with a schema of ' +
        'its own. Example: services.',
    }),
    secretRef: Type.Object(
      { name: secretName },
      {
        description:
          'A Secret with the entries username and password of a user who may make roles (CREATEROLE) and schemas (CREATE on ' +
          'the database). Only the migration has it: it makes an owner, a writer and a reader with passwords of their own.',
      },
    ),
    tls: Type.Optional(tls('db-ca')),
    maxConnections: Type.Integer({
      minimum: 30,
      maximum: 10000,
      default: 100,
      description:
        'Connections that this DataService may take of the server; 20 of them are for its jobs and for people. The number of ' +
        'writers and readers is held within. Example: 200. Default: 100.',
    }),
  },
  {
    description:
      'A Postgres that others run, 16 or newer, without a pooler before it that parts transactions from sessions; several ' +
      'DataServices may share it, each in a schema of its own that belongs to roles of its own (docs/classes.md). The ' +
      'operator makes no Postgres then, and never connects to this one; pods do. With deletionPolicy Delete ' +
      'schema and roles go with the DataService. ' +
      'Example: {host: db.example.com, database: services, tls: {}, secretRef: {name: db}}.',
  },
)
export type ExternalPostgres = Static<typeof ExternalPostgres>

export const onePostgres: Rule = {
  rule: '[has(self.managed), has(self.cloudNativePG), has(self.external)].filter(each, each).size() <= 1',
  message: 'postgres is managed, cloudNativePG or external: keep one of them',
}

export const oneRedis: Rule = {
  rule: '!has(self.managed) || !has(self.external)',
  message: 'redis is either managed or external: keep one of the two',
}
