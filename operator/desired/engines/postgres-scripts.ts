/** The shell scripts of the Postgres pods. One is the primary, pod 0 unless another was promoted; the others are streaming replicas of it. */
import { certificateFiles, database, ports } from '#dataservice/contract/names.ts'
import { postgresMajor } from '../secrets.ts'
import {
  certificatePath,
  configPath,
  followCertificates,
  heldData,
  primaryFile,
  refuse,
  refuseFunction,
} from './engine.ts'
import { loginFunctions, socketPath } from './postgres-logins.ts'

export const dataPath = '/var/lib/postgresql/data'
/** Where a restore works, on the volume of the first pod. */
export const restoringPath = `${dataPath}/restoring`
/** A subfolder of mode 0700; the mount itself belongs to the group of the pod. */
const pgdata = `${dataPath}/pgdata`
const runPath = socketPath
/** There while a replica does not follow although its primary answers. */
const staleMark = `${runPath}/stale`

/** By it the primary keeps what is not archived yet. */
export const backupSlot = 'backup'

export interface ScriptValues {
  /** Where the replicas find the primary. */
  primaryHost: string
  /** Pods in all; slots of replicas beyond them are dropped. */
  instances: number
  /** What it writes is archived; else nobody needs the slot of backups. */
  archived: boolean
  /** Whoever connects shows a certificate. */
  encrypted: boolean
}

/**
 * Ends Postgres at once and cleanly. The signal that a pod gets by default lets nobody in any more and then waits for
 * all clients to leave by themselves, which those of a connection pool do not.
 */
export const stopCommand: readonly string[] = [
  'pg_ctl',
  `--pgdata=${pgdata}`,
  '--wait',
  '--mode=fast',
  '--silent',
  'stop',
]

/** What the scripts know: who this pod is, who the primary is, and how a replica asks it. */
const preamble = ({ primaryHost, encrypted }: ScriptValues): string => `set -eu
umask 077
data=${pgdata}
conf=${configPath}/postgresql.conf
ordinal=\${POD_NAME##*-}
is_primary() { read -r primary_ordinal < ${configPath}/${primaryFile} && [ "$primary_ordinal" = "$ordinal" ]; }
slot=replica_$ordinal
export PGPASSFILE=${runPath}/pgpass PGCONNECT_TIMEOUT=5
# A replica connects without that limit, and an address of a node that is gone does not answer. One that is yet to be
# promoted is not the primary: whoever copies or follows it ends where its timeline does.
primary="host=${primaryHost} port=${ports.postgres} user=${database.replication} application_name=$POD_NAME target_session_attrs=primary tcp_user_timeout=5000 keepalives_idle=5 keepalives_interval=5 keepalives_count=3${shown(encrypted)}"
ask() { psql --quiet --no-psqlrc --no-align --tuples-only --set=ON_ERROR_STOP=1 --dbname="$primary dbname=postgres" --command="$1"; }
# kept: the primary holds what this replica has yet to read. gone: it does not. Fails when it cannot be asked.
slot_state() {
  ask "SELECT CASE WHEN EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$slot' AND restart_lsn IS NOT NULL
    AND wal_status <> 'lost') THEN 'kept' ELSE 'gone' END"
}
`

const clientFiles = [
  'sslmode=verify-full',
  `sslrootcert=${certificatePath}/${certificateFiles.authority}`,
  `sslcert=${certificatePath}/${certificateFiles.certificate}`,
  `sslkey=${certificatePath}/${certificateFiles.key}`,
]

/** Rest of a connection string of a pod that has certificates; libpq reads the files at each connection. */
export const shown = (encrypted: boolean): string => (encrypted ? ` ${clientFiles.join(' ')}` : '')

/** `start.sh`: what the pod runs. */
export const startScript = (values: ScriptValues): string => `#!/bin/sh
# Starts Postgres ${postgresMajor}. The primary makes the database cluster once, sets roles and passwords on each start over
# the local socket, then serves; nobody is let in before that is done. The others are replicas: each copies the primary
# once, and again when the primary no longer holds what it has yet to read.
${refuseFunction}
${preamble(values)}${values.encrypted ? followCertificates('pg_ctl --pgdata=$data --silent reload') : ''}if [ -s $data/PG_VERSION ] && [ "$(cat $data/PG_VERSION)" != ${postgresMajor} ]; then
  ${refuse('VolumeMismatch', `the volume of $POD_NAME holds Postgres $(cat $data/PG_VERSION), this is ${postgresMajor}`)}
fi
rm -f $data/postmaster.pid # of a container that was killed; this pod alone holds the volume
rm -rf ${restoringPath} # of a restore that was given up
rm -f ${staleMark} # it may follow now
${endingFunctions}${followPrimary}${loginFunctions}${serveFunction}if is_primary; then
${indented(primaryPart(values))}
fi
${replicaPart}`

/**
 * The first process of a container ignores a signal that it has no trap for, and a trap waits for what the shell waits for: for
 * hours where it copies a large database. So what may take long runs beside the shell, which ends before it; all others of
 * the container end with it. A server that is up for a moment is stopped; what else is cut off the next start begins anew.
 */
const endingFunctions = `attended() {
  "$@" &
  wait $!
}
ended() {
  trap '' TERM INT QUIT
  [ ! -e $data/postmaster.pid ] || ${stopCommand.join(' ')} || true
  exit 143
}
trap ended TERM INT QUIT
`

/**
 * `receives`: says yes or no, whether the primary sends. Fails while Postgres does not answer. A yes is also said in the
 * moment in which the primary has let it in and may yet refuse to send, as it does without the slot.
 */
const receivesFunction = `receives() {
  psql --quiet --no-psqlrc --no-align --tuples-only --host=${runPath} --username=postgres --dbname=postgres \\
    --command="SELECT CASE WHEN EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') THEN 'yes' ELSE 'no' END"
}
`

/**
 * Another primary is told by a file, which the kubelet replaces while the pod runs. Who was the primary ends, and comes
 * back as a replica; who is to be it waits until that has happened: as long as the old one sends, it may still have
 * records that are not here. A replica that began while nobody could be asked asks until it follows: what it has yet to
 * read may be gone.
 */
const followPrimary = `${receivesFunction}# A replica that this one had when it was the primary before may be ahead of it, and of what follows on it.
promote() {
  psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --host=${runPath} --username=postgres --dbname=postgres --output=/dev/null \\
    --command="SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name ~ '^replica_[0-9]+$'" &&
    pg_ctl --pgdata=$data --wait --timeout=900 --silent promote
}
follow_primary() {
  followed=
  while sleep 2 && kill -0 $$ 2> /dev/null; do
    if is_primary; then
      [ -e $data/standby.signal ] && [ "$(receives)" = no ] || continue
      echo 'this pod is the primary now' >&2
      promote || true
    elif [ ! -e $data/standby.signal ]; then
      echo 'another pod is the primary now' >&2
      ${stopCommand.join(' ')} || true
    elif [ "$followed" != "$primary_ordinal" ]; then
      case "$(receives) $(slot_state)" in
        'yes kept') followed=$primary_ordinal ;;
        'no gone') ${stopCommand.join(' ')} || true ;;
      esac
    fi
  done
}
`

/**
 * Process 1 of a container becomes the parent of whatever an exec or a probe leaves behind, for instance one that the kubelet
 * ended for its time. Postgres takes the end of a child that it does not know, with a status of 2 or more, for a crash: it
 * ends all sessions and recovers. So the shell stays process 1; with it all others of the container end, whatever ends it.
 */
const serveFunction = `serve() {
  set -- postgres -D $data -c config_file=$conf "$@"
  [ $$ = 1 ] || exec "$@"
  "$@" &
  server=$!
  for signal in TERM INT QUIT; do trap "kill -$signal $server || true" $signal; done
  code=0
  while kill -0 $server 2> /dev/null; do
    code=0
    wait $server || code=$? # a signal ends the waiting, too
  done
  exit $code
}
`

function primaryPart({ instances, archived }: ScriptValues): string {
  return `if [ ! -s $data/PG_VERSION ]; then
  if ${heldData}; then
    ${refuse('VolumeLost', 'the volume of $POD_NAME is empty')}
  fi
  rm -rf $data.new # what an initdb left that was cut off
  attended initdb --pgdata=$data.new --username=postgres --encoding=UTF8 --locale=C --auth=trust --data-checksums
  mv $data.new $data
fi
attended pg_ctl --pgdata=$data --wait --timeout=900 --silent --options="-c config_file=$conf -c listen_addresses=''" start
[ ! -e $data/standby.signal ] || attended promote # a replica until now
bootstrap() (
  psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres --file=${configPath}/bootstrap.sql
  admit_all
  # A replica makes its own slot; the slot of one that is not wanted any more would keep log for ever.
  psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres --output=/dev/null --command="
    SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
    WHERE (slot_name ~ '^replica_[0-9]+$' AND substring(slot_name FROM 9)::int >= ${instances}${archived ? '' : ` OR slot_name = '${backupSlot}'`})
    AND NOT active"
)
attended bootstrap
pg_ctl --pgdata=$data --wait --mode=fast --silent stop
follow_logins &
${instances > 1 ? 'follow_primary &\n' : ''}serve`
}

const replicaPart = `take_passfile
usable() { [ -s $data/PG_VERSION ] && pg_controldata --pgdata=$data > /dev/null 2>&1; }
identifier() { pg_controldata --pgdata=$data | sed -n 's/^Database system identifier: *//p'; }
clone() {
  ask "SELECT pg_drop_replication_slot('$slot') WHERE EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$slot')" &&
    rm -rf $data $data.new &&
    attended pg_basebackup --pgdata=$data.new --dbname="$primary" --create-slot --slot=$slot --wal-method=stream --checkpoint=fast &&
    mv $data.new $data
}
if usable && state=$(slot_state); then
  there=$(ask 'SELECT system_identifier FROM pg_control_system()')
  if [ "$there" != "$(identifier)" ]; then
    ${refuse(
      'VolumeMismatch',
      "the volume of $POD_NAME is a copy of another database than the primary's: if the primary is right, delete the " +
        'PersistentVolumeClaim data-$POD_NAME and the pod, and it copies the primary anew',
    )}
  fi
  if [ "$state" = gone ]; then
    echo "the primary no longer holds what this replica has yet to read: copying it anew" >&2
    rm -rf $data
  fi
fi
until usable; do
  echo 'copying the primary' >&2
  take_passfile
  clone || sleep 2 # the primary may be starting, too
done
touch $data/standby.signal
follow_primary &
follow_logins &
serve -c primary_slot_name=$slot -c primary_conninfo="$primary passfile=$PGPASSFILE"
`

/**
 * `ready.sh`, the readiness probe. By TCP: the socket answers already while the start script still sets passwords.
 * What Debian has in the PATH is a Perl program that looks for the real one: ten times the work, every two seconds.
 */
export const readyScript = ({ encrypted }: Pick<ScriptValues, 'encrypted'>): string => `#!/bin/sh
if [ -e ${pgdata}/standby.signal ]; then
  # A replica that is to be the primary is not ready yet.
  [ ! -e ${staleMark} ] && [ "$(cat ${configPath}/${primaryFile})" != "\${POD_NAME##*-}" ] || exit 1
fi
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done
${encrypted ? 'export PGSSLMODE=disable\n' : ''}exec pg_isready --quiet --host=127.0.0.1 --username=${database.users.reader} --dbname=${database.name}
`

/**
 * `alive.sh`, the liveness probe: fails only for a replica that cannot follow any more, so that its start copies the
 * primary anew. One that does not follow, for whatever reason, is not ready: nobody reads the past from it. A primary that
 * is away makes nobody restart, and its replicas serve what they have.
 */
export const aliveScript = (values: ScriptValues): string => `#!/bin/sh
${preamble(values)}${receivesFunction}! is_primary || exit 0
pg_isready --quiet --host=${runPath} || exit 0 # still copying, or starting
for attempt in 1 2 3; do # it may be about to
  following=$(receives) || exit 0
  if [ "$following" = yes ]; then
    rm -f ${staleMark}
    exit 0
  fi
  sleep 1
done
state=$(slot_state) || exit 0
touch ${staleMark}
[ "$state" = kept ]
`

const indented = (text: string): string =>
  text
    .split('\n')
    .map(line => (line === '' ? line : `  ${line}`))
    .join('\n')
