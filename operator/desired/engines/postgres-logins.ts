/**
 * Shell functions by which a Postgres pod lets users in and shuts them out, at its start and while it runs: the kubelet
 * replaces the files that tell it, and brings and takes the Secrets.
 */
import { aloneVariable, bootstrapVariables } from '#dataservice/contract/postgres-bootstrap.ts'
import { turnedKeys } from '../secrets.ts'
import { closedLogins, configPath, loginsPrefix, sessionsPrefix, toldPasswords } from './engine.ts'

export const socketPath = '/var/run/postgresql'

const psql = `psql --quiet --no-psqlrc --host=${socketPath} --username=postgres --dbname=postgres`

/**
 * `admit_all` is for a primary, `shut_all` and `take_passfile` for a replica, and `follow_logins` for both. Each change is
 * carried out twice, for somebody who was just being let in; and once more by a replica that becomes the primary.
 */
export const loginFunctions = `${toldPasswords}# admit SET: lets its users in, or shuts them out. Those whose passwords are on their way are not touched.
admit() (
  if told_passwords $1; then
    export ${bootstrapVariables.owner}="$(cat "$from/${turnedKeys.owner}")"
    export ${bootstrapVariables.writer}="$(cat "$from/${turnedKeys.writer}")"
    export ${bootstrapVariables.reader}="$(cat "$from/${turnedKeys.reader}")"
  elif [ "$turn" != ${closedLogins} ]; then
    exit 0
  fi
  ${psql} --output=/dev/null --file=${configPath}/${loginsPrefix}$1.sql
)
# newest: as told_passwords, of the set whose turn came last; sets before to what the other set is told.
newest() {
  read -r one < ${configPath}/${loginsPrefix}1
  read -r two < ${configPath}/${loginsPrefix}2
  if [ "$one" = ${closedLogins} ] || { [ "$two" != ${closedLogins} ] && [ "$two" -gt "$one" ]; }; then
    before=$one && told_passwords 2
  else
    before=$two && told_passwords 1
  fi
}
admit_replication() (
  newest || exit 0
  export ${bootstrapVariables.replication}="$(cat "$from/${turnedKeys.replication}")"
  [ "$before" != ${closedLogins} ] || export ${aloneVariable}="$turn"
  ${psql} --output=/dev/null --file=${configPath}/replication.sql
)
admit_all() {
  admit 1 && admit 2 && admit_replication
}
# By this file a replica shows its password; it is read at each connection.
take_passfile() {
  newest || return 0
  printf '*:*:*:*:%s\\n' "$(cat "$from/${turnedKeys.replication}")" > $PGPASSFILE.new
  mv $PGPASSFILE.new $PGPASSFILE
}
# shut SET: ends the sessions of those whom the primary has shut out; fails until this replica has heard of it.
shut() (
  read -r turn < ${configPath}/${loginsPrefix}$1
  [ "$turn" = ${closedLogins} ] || exit 0
  ${psql} --no-align --tuples-only --file=${configPath}/${sessionsPrefix}$1.sql | tail -n 1 | grep -qx t
)
shut_all() {
  take_passfile && shut 1 && shut 2
}
follow_logins() {
  last= before_last=
  while sleep 5 && kill -0 $$ 2> /dev/null; do
    if [ -e $data/standby.signal ]; then act=shut_all; else act=admit_all; fi
    found="$act $(told_turns)" || continue
    [ "$found" != "$before_last" ] && pg_isready --quiet --host=${socketPath} || continue
    if $act; then
      before_last=$last last=$found
    fi
  done
}
`
