/** Postgres: one pod is the primary, the others stream from it. Users get the passwords that are mounted, on each start and while it runs. */
import { certificateFiles, credentialKeys, database, loginSets, ports } from '#dataservice/contract/names.ts'
import {
  bootstrapSql,
  loginsSql,
  replicationSql,
  sessionsSql,
} from '#dataservice/contract/postgres-bootstrap.ts'
import { encrypts } from '../hop-modes.ts'
import { postgresPrimaryName, serviceHost } from '../names.ts'
import type { Target } from '../target.ts'
import {
  certificatePath,
  configPath,
  type Engine,
  followedPasswords,
  loginsFile,
  sessionsPrefix,
} from './engine.ts'
import {
  aliveScript,
  dataPath,
  readyScript,
  type ScriptValues,
  startScript,
  stopCommand,
} from './postgres-scripts.ts'

export const postgres: Engine = {
  user: 999,
  files: target => ({
    'start.sh': startScript(scriptValues(target)),
    'ready.sh': readyScript(scriptValues(target)),
    'alive.sh': aliveScript(scriptValues(target)),
    'bootstrap.sql': bootstrapSql({
      database: database.name,
      schema: database.schema,
      users: database.users,
      replication: database.replication,
    }),
    ...Object.fromEntries(
      loginSets.flatMap(set => [
        [`${loginsFile(set)}.sql`, loginsSql(database, set)],
        [`${sessionsPrefix}${set}.sql`, sessionsSql(database, set)],
      ]),
    ),
    'replication.sql': replicationSql(database),
    'postgresql.conf': configuration(target),
    'pg_hba.conf': encrypts(target.effective) ? encryptedAccess : access,
  }),
  ports: [{ name: 'postgres', containerPort: ports.postgres, protocol: 'TCP' }],
  env: () => [],
  pods: ({ instances }) => instances,
  rolls: () => 'RollingUpdate',
  secretKeys: [
    credentialKeys.owner,
    credentialKeys.writer,
    credentialKeys.reader,
    credentialKeys.replication,
  ],
  followed: followedPasswords,
  readiness: {
    exec: { command: ['sh', `${configPath}/ready.sh`] },
    periodSeconds: 2,
    timeoutSeconds: 3,
    failureThreshold: 3,
  },
  liveness: {
    exec: { command: ['sh', `${configPath}/alive.sh`] },
    periodSeconds: 30,
    timeoutSeconds: 15,
    failureThreshold: 2,
  },
  stop: stopCommand,
  scratch: ['/tmp', '/var/run/postgresql'],
  dataPath,
  graceSeconds: 60,
}

function scriptValues({ owner, effective }: Target): ScriptValues {
  const { name, namespace } = owner.metadata
  return {
    primaryHost: serviceHost(postgresPrimaryName(name), namespace),
    instances: effective.instances,
    archived: effective.backup !== undefined,
    encrypted: encrypts(effective),
  }
}

function configuration({ effective }: Target): string {
  return `listen_addresses = '*'
port = ${ports.postgres}
unix_socket_directories = '/var/run/postgresql'
hba_file = '${configPath}/pg_hba.conf'
max_connections = ${effective.connections.total}
password_encryption = 'scram-sha-256'
shared_buffers = '128MB'
max_files_per_process = ${manyPartitions.openFiles}
max_locks_per_transaction = ${manyPartitions.locksEach}
dynamic_shared_memory_type = 'posix'
wal_level = 'replica'
max_wal_size = '1GB'
wal_retrieve_retry_interval = '500ms'
wal_receiver_timeout = '${silence}'
wal_sender_timeout = '${silence}'
max_slot_wal_keep_size = '${keptForReplicas}'
wal_compression = 'lz4'
${encrypts(effective) ? certificates : ''}log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
timezone = 'UTC'
`
}

const certificates = `ssl = on
ssl_cert_file = '${certificatePath}/${certificateFiles.certificate}'
ssl_key_file = '${certificatePath}/${certificateFiles.key}'
ssl_ca_file = '${certificatePath}/${certificateFiles.authority}'
`

/**
 * A partition is a file and a lock, each of its indexes another of both. The defaults (1000 and 64) are for some hundred:
 * beyond, every look-up opens and closes files, and a few questions about all partitions use up the locks of all sessions.
 */
const manyPartitions = { openFiles: 8_000, locksEach: 256 } as const

/**
 * Whoever heard nothing for so long has lost the other one, as with its node: a replica asks for the primary anew, the
 * primary frees the slot. The defaults are six times that, and until then a replica shows nothing new.
 */
const silence = '10s'

/** A replica that is away may fill so much of the primary's volume; then it is given up and copies anew. */
const keptForReplicas = '2GB'

/** Who is in the pod is an administrator; everybody else shows a password. */
const access = `local all postgres trust
local all all scram-sha-256
host all postgres all reject
host replication ${database.replication} all scram-sha-256
host all all all scram-sha-256
`

/** Everybody else shows a certificate, too. Plain are only the pod's own questions whether Postgres answers. */
const encryptedAccess = `local all postgres trust
local all all scram-sha-256
host all postgres all reject
hostnossl all all 127.0.0.1/32 scram-sha-256
hostssl replication ${database.replication} all scram-sha-256 clientcert=verify-ca
hostssl all all all scram-sha-256 clientcert=verify-ca
`
