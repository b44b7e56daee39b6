/**
 * The shell scripts of a restore. It is done beside the old data, on the volume of the primary while no Postgres has it
 * open; the last step is two renames, and the old data stays.
 */
import { fetchVariables } from '#dataservice/contract/mirror.ts'
import { database } from '#dataservice/contract/names.ts'
import { restoredFacts } from '#dataservice/contract/restored.ts'
import { configPath } from '../engines/engine.ts'
import { dataPath, restoringPath } from '../engines/postgres-scripts.ts'
import { backupPath } from './scripts.ts'

/** What was there before a restore, on the primary's volume; the next restore removes it. */
const beforeRestorePath = `${dataPath}/before-restore`
/** Environment of `restore.sh`; the moment or the copy, or neither for all there is. */
export const restoreVariables = { operation: 'OPERATION', ...fetchVariables } as const

/** Names of the files that a recovery asked for. */
const askedFile = '/tmp/asked'

/** `fetch.sh FILE TARGET`: Postgres asks for a file of its log. The last segment of a folder is not complete. */
export const fetchScript = `#!/bin/sh
echo "$1" >> ${askedFile}
for found in "$ARCHIVE"/*/"$1" "$ARCHIVE/$1" "$ARCHIVE"/*/"$1.partial"; do
  [ ! -f "$found" ] || exec cp "$found" "$2"
done
exit 1
`

/** `restore.sh`: ends with what it did in its termination message. May run any number of times. */
export const restoreScript = `#!/bin/sh
. ${configPath}/common.sh
# The first process of a container has to say that it ends; else it would go on until it is killed.
trap 'exit 143' TERM INT
live=${dataPath}/pgdata
work=${restoringPath}
done=restored-by # within the folder, so that it comes to be with the last rename
if [ "$(head -n 1 $live/$done 2> /dev/null)" = "$${restoreVariables.operation}" ]; then
  say "$(tail -n 1 $live/$done)"
  exit 0
fi
exec 9> $volume/lock
flock 9
stamp() { date -u -d "$1" +%Y%m%dT%H%M%SZ; }
at=$(date +%s)
[ -z "$${restoreVariables.time}" ] || at=$(date -d "$${restoreVariables.time}" +%s)

# The history that was written at that moment: the newest folder that had begun by then.
history=
begun=0
for folder in $volume/wal/*/*.*; do
  [ -d "$folder" ] || continue
  since=\${folder##*.}
  if [ "$since" -le "$at" ] && [ "$since" -ge "$begun" ]; then begun=$since history=$folder; fi
done
copies=$(ls -r $volume/base 2> /dev/null | grep 'Z$' || true)
[ -n "$copies" ] || refuse 'the volume of backups holds no backup'
if [ -n "$${restoreVariables.backup}" ]; then
  [ -d "$volume/base/$${restoreVariables.backup}" ] || refuse "there is no backup $${restoreVariables.backup}; there are: $(echo $copies)"
  candidates=$${restoreVariables.backup}
  read -r system timeline _ < "$volume/base/$candidates/about"
  target="-c recovery_target=immediate"
else
  latest=$(stamp "@$at")
  candidates=$(for each in $copies; do expr "$each" '>' "$latest" > /dev/null || echo "$each"; done)
  [ -n "$candidates" ] && [ -n "$history" ] ||
    refuse "$${restoreVariables.time} is before the oldest backup, $(echo "$copies" | tail -n 1): choose a later time"
  system=$(basename "$(dirname "$history")")
  timeline=$(basename "$history")
  timeline=\${timeline%%.*}
  target=
  [ -z "$${restoreVariables.time}" ] || target="-c recovery_target_time='$(date -u -d "$${restoreVariables.time}" '+%Y-%m-%d %H:%M:%S.%6N+00')'"
fi
export ARCHIVE="$volume/wal/$system"
recovery="-c restore_command='sh ${configPath}/fetch.sh %f %p' -c recovery_target_action=promote \\
  -c recovery_target_timeline=$timeline"

latest_place() { sed -n 's/^[0-9A-F]\\{8\\}\\([0-9A-F]\\{16\\}\\).*/\\1/p' | sort | tail -n 1; }
reached_time() { sed -n 's/.*last completed transaction was at log time \\(.*\\)/\\1/p' /tmp/postgres.log | tail -n 1; }
# ended COPY: the recovery came to the end of the log, and not to a part of it that is missing.
ended() {
  [ -z "$${restoreVariables.backup}" ] || return 0
  came=$(latest_place < ${askedFile})
  written=$(ls "$history" | latest_place)
  expr "$written" '>' "$came" > /dev/null || return 0
  until=$(reached_time)
  finish $work
  refuse "the archive lacks what was written after \${until:-backup $1} and before that moment: choose an earlier time, or a backup: $(echo $copies)"
}
# recover COPY: fails for a copy that is not part of that history.
recover() {
  rm -rf $work # it takes room
  read -r of _ _ _ plain < "$volume/base/$1/about"
  [ "$of" = "$system" ] || return 1
  room=$(df --output=avail --block-size=1 ${dataPath} | tail -n 1)
  [ "$((plain + plain / 10 + 67108864))" -le "$room" ] ||
    refuse "the volume of Postgres has $room bytes left and the restored data takes $plain beside the old: raise postgres.managed.storage.size"
  unpack "$volume/base/$1" $work
  touch $work/recovery.signal
  rm -f /tmp/postgres.log ${askedFile}
  if serve $work "$recovery $target"; then
    [ -n "$target" ] || ended "$1"
    return 0
  fi
  if grep -q 'recovery ended before configured recovery target was reached' /tmp/postgres.log; then
    # Nothing was written after it, if nothing is lost.
    touch $work/recovery.signal
    if serve $work "$recovery"; then
      ended "$1"
      return 0
    fi
  fi
  tail -n 5 /tmp/postgres.log >&2
  grep -q 'is not a child of this server' /tmp/postgres.log || exit 1
  return 1
}
chosen=
for copy in $candidates; do
  if recover "$copy"; then chosen=$copy; break; fi
done
[ -n "$chosen" ] || refuse "no backup leads to that moment; there are: $(echo $copies)"

until=$(reached_time)
# What the writer had reached before: it tells what is lost where the log of Kafka is another one. It holds what producers
# wrote, so it comes to Postgres as a value.
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --dbname='host=/tmp user=postgres dbname=${database.name}' << 'END'
\\set reached \`cat ${backupPath}/reached 2> /dev/null || echo null\`
SELECT to_regclass('${database.schema}.service_facts') IS NOT NULL AS has_facts \\gset
\\if :has_facts
INSERT INTO ${database.schema}.service_facts VALUES ('${restoredFacts.reached}', :'reached')
  ON CONFLICT (name) DO UPDATE SET value = excluded.value;
\\endif
END
finish $work
cp $work/pg_wal/*.history "$ARCHIVE/" 2> /dev/null || true
result="{\\"backup\\":\\"$chosen\\",\\"until\\":\\"$until\\"}"
printf '%s\\n%s\\n' "$${restoreVariables.operation}" "$result" > $work/$done
sync -f $work
trap '' TERM INT
if [ -s $live/PG_VERSION ]; then
  rm -rf ${beforeRestorePath}
  mv $live ${beforeRestorePath}
fi
rm -rf $live
mv $work $live
say "$result"
`
