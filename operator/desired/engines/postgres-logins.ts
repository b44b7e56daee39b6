/**
 * Shell functions by which a Postgres pod lets users in and shuts them out, at its start and while it runs: the kubelet
 * replaces the files that tell it, and brings and takes the Secrets.
 */
import { bootstrapVariables } from '#dataservice/contract/postgres-bootstrap.ts'
import { loginKeys, turnKey } from '../secrets.ts'
import {
  closedLogins,
  configPath,
  loginsFile,
  loginsPrefix,
  passwordsPath,
  secretPath,
  sessionsPrefix,
} from './engine.ts'

export const socketPath = '/var/run/postgresql'

const psql = `psql --quiet --no-psqlrc --host=${socketPath} --username=postgres --dbname=postgres`

/**
 * `admit 1` and `admit 2` are for a primary, `shut` for a replica, and `follow_logins` for both. Each change is carried out
 * twice, for somebody who was just being let in; and once more by a replica that becomes the primary.
 */
export const loginFunctions = `# admit SET: lets its users in with the passwords of the turn that is told, or shuts them out. Passwords of another
# turn are not touched: those of this one are on their way.
admit() (
  read -r turn < ${configPath}/${loginsPrefix}$1
  if [ "$turn" != ${closedLogins} ]; then
    from=${passwordsPath}/$1
    if [ "$turn" = 1 ]; then
      from=${secretPath}
    elif [ "$(cat "$from/${turnKey}" 2> /dev/null)" != "$turn" ]; then
      exit 0
    fi
    export ${bootstrapVariables.owner}="$(cat "$from/${loginKeys.owner}")"
    export ${bootstrapVariables.writer}="$(cat "$from/${loginKeys.writer}")"
    export ${bootstrapVariables.reader}="$(cat "$from/${loginKeys.reader}")"
  fi
  ${psql} --output=/dev/null --file=${configPath}/${loginsPrefix}$1.sql
)
# shut SET: ends the sessions of those whom the primary has shut out; fails until this replica has heard of it.
shut() (
  read -r turn < ${configPath}/${loginsPrefix}$1
  [ "$turn" = ${closedLogins} ] || exit 0
  ${psql} --no-align --tuples-only --file=${configPath}/${sessionsPrefix}$1.sql | tail -n 1 | grep -qx t
)
told_logins() {
  if [ -e $data/standby.signal ]; then echo replica; else echo primary; fi
  cat ${configPath}/${loginsFile(1)} ${configPath}/${loginsFile(2)}
  readlink ${passwordsPath}/1/..data ${passwordsPath}/2/..data || true
}
follow_logins() {
  last= before_last=
  while sleep 5 && kill -0 $$ 2> /dev/null; do
    found=$(told_logins) || continue
    [ "$found" != "$before_last" ] && pg_isready --quiet --host=${socketPath} || continue
    if [ -e $data/standby.signal ]; then act=shut; else act=admit; fi
    if $act 1 && $act 2; then
      before_last=$last last=$found
    fi
  done
}
`
