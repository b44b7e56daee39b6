/**
 * The shell scripts of backups. All of them run Postgres' own programs in the Postgres image, as a client of the primary:
 * nothing of it touches the primary's volume. On the volume of backups there are
 *
 * - `base/TIME/`: a whole copy (`base.tar.gz`, `pg_wal.tar.gz`, `backup_manifest`) and `about`; its name is the moment from
 *   which on it can be restored
 * - `wal/SYSTEM/TIMELINE.SECONDS/`: what the primary wrote since then (segments of its write-ahead log), without a gap
 * - `receiving`: the folder under `wal` that grows now
 */
import { refusedExitCode } from '#dataservice/contract/mirror.ts'
import {
  credentialKeys,
  database,
  type LoginSet,
  loginOf,
  mounts,
  ports,
} from '#dataservice/contract/names.ts'
import { configPath, secretPath } from '../engines/engine.ts'
import { backupSlot, shown } from '../engines/postgres-scripts.ts'

/** Where the volume of backups is mounted. */
export const backupPath = mounts.backups.path

export interface BackupValues {
  primaryHost: string
  retainSeconds: number
  /** Whoever connects shows a certificate. */
  encrypted: boolean
  /** As which of the readers they ask. */
  loginSet: LoginSet
}

/** A node that is gone neither answers nor says so. */
const patience = ' tcp_user_timeout=30000 keepalives_idle=10 keepalives_interval=10 keepalives_count=2'

/** `common.sh`: what all scripts know. */
export const commonScript = ({
  primaryHost,
  retainSeconds,
  encrypted,
  loginSet,
}: BackupValues): string => `set -eu
umask 077
volume=${backupPath}
slot=${backupSlot}
retain=${retainSeconds}
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done # what Debian has in the PATH needs Perl
export PGPASSFILE=/tmp/pgpass PGCONNECT_TIMEOUT=5
primary="host=${primaryHost} port=${ports.postgres} user=${database.replication} application_name=backup${patience}${shown(encrypted)}"
reader="host=${primaryHost} port=${ports.postgres} user=${loginOf(database.users.reader, loginSet)} dbname=${database.name}${patience}${shown(encrypted)}"
secret() { printf '*:*:*:%s:%s\\n' "$1" "$(cat "${secretPath}/$2")"; }
[ ! -e ${secretPath} ] || {
  secret ${database.replication} ${credentialKeys.replication}
  secret ${loginOf(database.users.reader, loginSet)} ${credentialKeys.reader}
} > $PGPASSFILE
query() { psql --quiet --no-psqlrc --no-align --tuples-only --set=ON_ERROR_STOP=1 --dbname="$1" --command="$2"; }
ask() { query "$primary dbname=postgres" "$1"; }
say() { printf '%s' "$1" | tee /dev/termination-log; }
# Nothing but another wish mends this.
refuse() { say "$1" >&2; exit ${refusedExitCode}; }
control() { pg_controldata --pgdata="$1" | sed -n "s/^$2: *//p"; }
# unpack BASE FOLDER
unpack() {
  rm -rf "$2"
  mkdir -m 700 "$2"
  tar --extract --gzip --file="$1/base.tar.gz" --directory="$2"
  tar --extract --gzip --file="$1/pg_wal.tar.gz" --directory="$2/pg_wal"
}
# serve FOLDER OPTIONS: a Postgres that nobody outside of this pod reaches; small, beside others.
serve() {
  pg_ctl --pgdata="$1" --wait --timeout=864000 --silent --log=/tmp/postgres.log --options="-c listen_addresses='' \\
    -c unix_socket_directories=/tmp -c shared_buffers=32MB -c hot_standby=off -c max_files_per_process=8000 \\
    -c max_locks_per_transaction=256 $2" start || return 1
  until [ "$(inside 'SELECT pg_is_in_recovery()' 2> /dev/null)" = f ]; do
    pg_ctl --pgdata="$1" status > /dev/null || return 1
    sleep 0.2
  done
}
inside() { query "host=/tmp user=postgres dbname=\${2:-postgres}" "$1"; }
finish() { pg_ctl --pgdata="$1" --wait --timeout=86400 --silent --mode=fast stop; }
`

/** `receive.sh`: archives what the primary writes, for ever; begins anew, with a whole copy, when something is missing. */
export const receiveScript = `#!/bin/sh
. ${configPath}/common.sh
child=
trap '[ -z "$child" ] || kill -INT "$child" || true; wait; exit 0' TERM INT
rest() { sleep "$1" & wait $!; }
mkdir -p $volume/base $volume/wal
# kept: the primary still has what was not received yet.
slot_state() {
  ask "SELECT CASE WHEN EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$slot' AND restart_lsn IS NOT NULL
    AND wal_status <> 'lost') THEN 'kept' ELSE 'gone' END"
}
begin_anew() {
  ask "SELECT pg_drop_replication_slot('$slot') WHERE EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$slot')" &&
    ask "SELECT pg_create_physical_replication_slot('$slot', true)" > /dev/null &&
    folder="$1.$(date +%s)" &&
    mkdir -p "$volume/wal/$folder" &&
    printf '%s\\n' "$folder" > $volume/receiving.new && mv $volume/receiving.new $volume/receiving
}
# How far the writers are, for a restore that finds another log of Kafka.
note_reached() {
  query "$reader" "SELECT json_build_object('at', now(), 'positions', json_agg(json_build_object('topic', topic,
    'partition', partition, 'clusterId', cluster_id, 'nextOffset', next_offset::text, 'lastId', last_id))) FROM ${database.schema}.ingest_offsets" \\
    > /tmp/reached 2> /dev/null && cp /tmp/reached $volume/reached.new && mv $volume/reached.new $volume/reached
}
receive() {
  now=$(query "$primary replication=true" IDENTIFY_SYSTEM) && state=$(slot_state) || return 0
  system=\${now%%|*}
  now=\${now#*|}
  timeline=\${now%%|*}
  folder=$(cat $volume/receiving 2> /dev/null || true)
  case "$state $folder" in
    "kept $system/$timeline".*) [ -d "$volume/wal/$folder" ] || begin_anew "$system/$timeline" || return 0 ;;
    *) begin_anew "$system/$timeline" || return 0 ;;
  esac
  echo "archiving to $folder" >&2
  pg_receivewal --dbname="$primary" --directory="$volume/wal/$folder" --slot=$slot --no-loop &
  child=$!
  while kill -0 $child 2> /dev/null; do
    [ -e "$volume/wal/$folder/copied" ] || { sh ${configPath}/backup.sh & wait $! || rest 10; }
    note_reached || true # there are no tables yet
    rest 5
  done
  wait $child || true
  child=
}
while :; do
  receive
  rest 2
done
`

/** `ready.sh`: what the primary writes is archived, and there is a copy that it continues. */
export const readyScript = `#!/bin/sh
. ${configPath}/common.sh
[ -e "$volume/wal/$(cat $volume/receiving)/copied" ]
[ "$(ask "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '$slot' AND active")" = 1 ]
`

/** `backup.sh`: makes a whole copy, proves it by restoring it, and removes what is too old. */
export const backupScript = `#!/bin/sh
. ${configPath}/common.sh
exec 9> $volume/lock
flock 9
new=$volume/new
scratch=$volume/scratch
rm -rf $new $scratch
trap 'rm -rf $new $scratch' EXIT
# A network policy may let a new pod in a moment after it starts.
for _ in $(seq 60); do
  if ask 'SELECT 1' > /dev/null 2>&1; then break; fi
  sleep 1
done
pg_basebackup --dbname="$primary" --pgdata=$new --format=tar --compress=client-gzip:1 --wal-method=stream \\
  --checkpoint=fast --label=dataservice
name=$(date -u +%Y%m%dT%H%M%SZ)
unpack $new $scratch
pg_verifybackup --quiet --manifest-path=$new/backup_manifest $scratch
system=$(control $scratch 'Database system identifier')
timeline=$(control $scratch "Latest checkpoint's TimeLineID")
first=$(sed -n 's/^START WAL LOCATION: .*(file \\([0-9A-F]*\\)).*/\\1/p' $scratch/backup_label)
serve $scratch ''
[ "$(inside 'SELECT count(*) > 0 FROM pg_class' ${database.name})" = t ]
finish $scratch
pg_checksums --check --pgdata=$scratch > /dev/null
plain=$(du --summarize --bytes $scratch | cut -f 1)
bytes=$(du --summarize --bytes $new | cut -f 1)
echo "$system $timeline $first $bytes $plain" > $new/about
mv $new "$volume/base/$name"
rm -rf $scratch
folder=$(cat $volume/receiving)
case "$folder" in "$system/$timeline".*) touch "$volume/wal/$folder/copied" ;; esac

# The newest copy from before the time that has to be kept is where a restore to its beginning starts.
cutoff=$(date -u -d "@$(($(date +%s) - retain))" +%Y%m%dT%H%M%SZ)
before=
for base in $volume/base/*Z; do
  if expr "$(basename "$base")" '>' "$cutoff" > /dev/null; then break; fi
  if [ -n "$before" ]; then
    mv "$before" $scratch # so that no half of it counts
    rm -rf $scratch
  fi
  before=$base
done
oldest=$(ls $volume/base | head -n 1)
read -r of _ first _ < "$volume/base/$oldest/about"
for system in $volume/wal/*; do
  current= # the folder that grew when the oldest copy was made
  for folder in $(ls "$system" | grep -E '^[0-9]+\\.[0-9]+$' | sort -t . -k 2n); do
    expr "$(date -u -d "@\${folder#*.}" +%Y%m%dT%H%M%SZ)" '<' "$oldest" > /dev/null || break
    # What was over before the oldest copy nothing needs.
    [ -z "$current" ] || rm -rf "$system/$current"
    current=$folder
  done
  # Places in the log of another system say nothing about this one's. Nor do they about folders that began later, which are
  # needed whole: the log goes back to an earlier place with each restore to an earlier moment.
  [ "$system" != "$volume/wal/$of" ] || [ -z "$current" ] || pg_archivecleanup "$system/$current" "$first"
done
say "{\\"name\\":\\"$name\\",\\"bytes\\":$bytes}"
`
