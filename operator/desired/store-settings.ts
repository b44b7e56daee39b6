/** Where the tables are, and whose they are. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { database, ports } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Effective } from './effective.ts'
import { fullHash } from './hash.ts'
import { postgresPrimaryName, postgresReplicaName, serviceHost } from './names.ts'

type Store = Settings['store']

export function storeOf(owner: DataService, effective: Effective): Store {
  const poolSize = { ...effective.connections.poolSize }
  const { postgres, instances } = effective
  if (postgres === undefined) return { ...managed(owner, instances), poolSize }
  const { host, port, replica, tls, database: name } = postgres
  const primary = { host, port }
  return {
    primary,
    replica: replica ?? primary,
    database: name,
    ...sharedNames(owner, effective),
    poolSize,
    access: 'Given',
    ...(tls && { tls: { ownAuthority: tls.caSecretRef !== undefined } }),
  }
}

function managed({ metadata: { namespace, name } }: DataService, instances: number): Omit<Store, 'poolSize'> {
  const primary = { host: serviceHost(postgresPrimaryName(name), namespace), port: ports.postgres }
  return {
    primary,
    replica:
      instances > 1
        ? { host: serviceHost(postgresReplicaName(name), namespace), port: ports.postgres }
        : primary,
    database: database.name,
    schema: database.schema,
    users: { ...database.users },
  }
}

/**
 * Names that no other DataService has on a server, in whatever namespace it is: a hash, because the longest namespace and
 * name would be more than the 63 bytes that Postgres keeps. Two clusters are told apart by their `scopePrefix`.
 */
export function sharedNames(
  { metadata: { namespace, name } }: DataService,
  { scopePrefix = '' }: Pick<Effective, 'scopePrefix'>,
): Pick<Store, 'schema' | 'users'> {
  const schema = `ds_${fullHash([scopePrefix, namespace, name]).slice(0, 10)}`
  return {
    schema,
    users: { owner: `${schema}_owner`, writer: `${schema}_writer`, reader: `${schema}_reader` },
  }
}
