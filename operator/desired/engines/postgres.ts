/** Postgres: one primary for now. Roles get the passwords of the mounted Secret on each start. */
import { credentialKeys, database, ports } from '#dataservice/contract/names.ts'
import { bootstrapSql, bootstrapVariables } from '#dataservice/contract/postgres-bootstrap.ts'
import { postgresMajor } from '../secrets.ts'
import type { Target } from '../target.ts'
import { configPath, type Engine, secretPath } from './engine.ts'

const dataPath = '/var/lib/postgresql/data'
/** A subfolder of mode 0700; the mount itself belongs to the group of the pod. */
const pgdata = `${dataPath}/pgdata`

export const postgres: Engine = {
  user: 999,
  files: target => ({
    'start.sh': startScript,
    'bootstrap.sql': bootstrapSql({
      database: database.name,
      schema: database.schema,
      users: database.users,
    }),
    'postgresql.conf': configuration(target),
    'pg_hba.conf': access,
  }),
  ports: [{ name: 'postgres', containerPort: ports.postgres, protocol: 'TCP' }],
  env: () => [],
  secretKeys: [credentialKeys.owner, credentialKeys.writer, credentialKeys.reader],
  readiness: {
    // By TCP: the socket answers already while the start script still sets passwords.
    exec: {
      command: [
        'pg_isready',
        '--quiet',
        '--host=127.0.0.1',
        `--username=${database.users.reader}`,
        `--dbname=${database.name}`,
      ],
    },
    periodSeconds: 2,
    timeoutSeconds: 3,
    failureThreshold: 3,
  },
  scratch: ['/tmp', '/var/run/postgresql'],
  dataPath,
  graceSeconds: 60,
}

function configuration({ effective }: Target): string {
  return `listen_addresses = '*'
port = ${ports.postgres}
unix_socket_directories = '/var/run/postgresql'
hba_file = '${configPath}/pg_hba.conf'
max_connections = ${effective.connections.total}
password_encryption = 'scram-sha-256'
shared_buffers = '128MB'
dynamic_shared_memory_type = 'posix'
wal_level = 'replica'
max_wal_size = '1GB'
wal_compression = 'lz4'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
timezone = 'UTC'
`
}

/** Who is in the pod is an administrator; everybody else shows a password. */
const access = `local all postgres trust
local all all scram-sha-256
host all postgres all reject
host all all all scram-sha-256
`

const startScript = `#!/bin/sh
# Starts Postgres ${postgresMajor}: makes the database cluster once, sets roles and passwords on each start over the local socket,
# then serves. Nobody is let in before that is done.
set -eu
umask 077
data=${pgdata}
if [ -s $data/PG_VERSION ] && [ "$(cat $data/PG_VERSION)" != ${postgresMajor} ]; then
  echo "volume holds Postgres $(cat $data/PG_VERSION), this is ${postgresMajor}: a change of the major version needs dump and restore" >&2
  exit 1
fi
if [ ! -s $data/PG_VERSION ]; then
  rm -rf $data.new # what an initdb left that was cut off
  initdb --pgdata=$data.new --username=postgres --encoding=UTF8 --locale=C --auth=trust --data-checksums
  mv $data.new $data
fi
rm -f $data/postmaster.pid # of a container that was killed; this pod alone holds the volume
conf=${configPath}/postgresql.conf
pg_ctl --pgdata=$data --wait --timeout=900 --silent --options="-c config_file=$conf -c listen_addresses=''" start
(
  export ${bootstrapVariables.owner}="$(cat ${secretPath}/${credentialKeys.owner})"
  export ${bootstrapVariables.writer}="$(cat ${secretPath}/${credentialKeys.writer})"
  export ${bootstrapVariables.reader}="$(cat ${secretPath}/${credentialKeys.reader})"
  psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres --file=${configPath}/bootstrap.sql
)
pg_ctl --pgdata=$data --wait --mode=fast --silent stop
exec postgres -D $data -c config_file=$conf
`
