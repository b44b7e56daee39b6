/**
 * Engines that another operator of the same Kubernetes cluster runs: what a DataService says of them, and what a class
 * says in its stead. As with `managed`, nothing here has a schema default, and what neither says is built in.
 */
import { type Static, Type } from 'typebox'
import { builtInEngines, type Level, otherwise } from './built-in.ts'
import { storage } from './managed.ts'
import { podFields } from './pods.ts'
import { type Rule, StringMap } from './scalars.ts'

const enoughConnections: Rule = {
  rule:
    "!('max_connections' in self) || (self['max_connections'].matches('^[1-9][0-9]{1,3}$') && " +
    "int(self['max_connections']) >= 30)",
  message:
    'postgres.cloudNativePG.parameters.max_connections is a number from 30 to 9999, in quotes: "200" where it is left out',
}

export const cloudNativePG = (level: Level) =>
  Type.Object(
    {
      instances: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 9,
          description:
            'Number of Postgres pods: a primary, and replicas of which one takes over when it is lost. Readers ask them, too. ' +
            `Example: 3. ${otherwise(level, builtInEngines.delegatedInstances)}`,
        }),
      ),
      imageName: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 512,
          pattern: '^[^\\s]+$',
          description:
            'Image of Postgres 16 or newer that CloudNativePG can run. Example: ghcr.io/cloudnative-pg/postgresql:17. ' +
            `${otherwise(level, 'the one that CloudNativePG takes')}`,
        }),
      ),
      storage: Type.Optional(storage('Postgres', level)),
      parameters: Type.Optional(
        StringMap({
          valueLength: 256,
          rules: [enoughConnections],
          description:
            'Settings of Postgres. CloudNativePG refuses those that it sets itself. Writers and readers are held within ' +
            'max_connections. Example: {shared_buffers: 1GB, max_connections: "300"}. Default: {max_connections: "200"}.',
        }),
      ),
      ...podFields('postgres', level),
    },
    {
      description:
        'A Postgres that CloudNativePG (1.25 or newer, in this Kubernetes cluster) runs for each DataService alone: the ' +
        'operator makes the Cluster NAME-postgres and its database, and pods log in with the Secrets that CloudNativePG makes. ' +
        'With deletionPolicy Retain the Cluster outlives the DataService and goes on running. ' +
        'Example: {instances: 3, storage: {size: 100Gi}}.',
    },
  )
export type CloudNativePG = Static<ReturnType<typeof cloudNativePG>>
