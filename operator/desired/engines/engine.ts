/** What differs between Kafka, Postgres and Redis when they run as StatefulSets of ours. */
import type { V1Container, V1EnvVar, V1Probe } from '@kubernetes/client-node'
import { type LastReason, lastWordsPath } from '#dataservice/contract/last-words.ts'
import { type LoginSet, loginSets, mounts } from '#dataservice/contract/names.ts'
import type { Effective } from '../effective.ts'
import { passwordsName } from '../names.ts'
import { turnKey } from '../secrets.ts'
import type { Target } from '../target.ts'

export interface Engine {
  /** Numeric user of the image. */
  user: number
  /** Files of the ConfigMap; mounted at `configPath`. `start.sh` is the program that runs. */
  files: (target: Target) => Record<string, string>
  ports: V1Container['ports']
  env: (target: Target) => V1EnvVar[]
  pods: (effective: Effective) => number
  /** Who replaces outdated pods: the StatefulSet, or the operator (`OnDelete`), which asks the engine first. */
  rolls: (effective: Effective) => 'RollingUpdate' | 'OnDelete'
  /** Keys of the credentials Secret that the engine's pod may read; mounted at `secretPath`. */
  secretKeys: readonly string[]
  /** Secrets that come and go while the pod runs; absent: there are none. */
  followed?: (owner: string) => readonly FollowedSecret[]
  readiness: V1Probe
  liveness?: V1Probe
  /** Ends the engine in its pod; absent: the signal that every image gets does that well. */
  stop?: readonly string[]
  /** Folders that must be writable; the root file system is not. */
  scratch: readonly string[]
  /** Where the volume is mounted; absent: the engine keeps nothing. */
  dataPath?: string
  /** Time the engine gets to close cleanly, in seconds. */
  graceSeconds: number
  /** How long one that is ready waits before its StatefulSet replaces the next; absent: not at all. */
  settleSeconds?: (effective: Effective) => number
}

/** A Secret that may be there or not, mounted at a folder. */
export interface FollowedSecret {
  volume: string
  folder: string
  secret: string
}

/** Both sets of passwords, of which an engine has to know those that are told. */
export const followedPasswords = (owner: string): FollowedSecret[] =>
  loginSets.map(set => ({
    volume: `passwords-${set}`,
    folder: `${passwordsPath}/${set}`,
    secret: passwordsName(owner, set),
  }))

/** Where its certificate lies, where hops are encrypted. */
export const certificatePath = mounts.certificates.path

/**
 * Shell: follows the certificates from here on, beside the engine, which this shell becomes; ends with it. `reload` is a
 * command that makes it read them anew, and `$1` tells one state of the files from another. The kubelet replaces all of them
 * at once, by turning a link.
 */
export const followCertificates = (reload: string): string => `reload() {
  ${reload}
}
state() { readlink ${certificatePath}/..data || true; }
follow() {
  while sleep 10 && kill -0 $$ 2> /dev/null; do
    found=$(state)
    if [ "$found" != "$1" ] && reload "$found"; then
      echo "new certificates are in use"
      set -- "$found"
    fi
  done
}
follow "$(state)" &
`

/** Where the engine's files lie in its pod. */
export const configPath = '/etc/dataservice/engine'
export const secretPath = '/etc/dataservice/credentials'
/** Where the two sets of passwords of later turns lie, in a folder each. */
export const passwordsPath = '/etc/dataservice/passwords'
/** File among the engine's files: `true` once the part held data. It does not roll the pods. */
export const initialisedFile = 'initialised'
/** The same of Kafka: how many brokers held data by then, 0 for none. Those that come later join with empty volumes. */
export const heldBrokersFile = 'held-brokers'

/** File beside it, of Postgres: the ordinal of the primary. A pod follows it while it runs. */
export const primaryFile = 'primary'

/** Of the scripts that a replica runs for a set of users. */
export const sessionsPrefix = 'sessions-'

/** Files beside it, one for each set of users: the turn whose passwords let them in, or `closedLogins`. A pod follows them. */
export const loginsPrefix = 'logins-'
export const loginsFile = (set: LoginSet): string => `${loginsPrefix}${set}`
export const closedLogins = 'closed'

/**
 * Shell functions: `told_passwords SET` sets `turn`, and `from` to the folder with its passwords. Fails where nobody is let in,
 * and while the passwords of that turn are on their way. `told_turns` differs when something of it has changed.
 */
export const toldPasswords = `told_passwords() {
  read -r turn < ${configPath}/${loginsPrefix}$1
  from=${passwordsPath}/$1
  [ "$turn" != 1 ] || from=${secretPath}
  [ "$turn" = 1 ] || [ "$(cat "$from/${turnKey}" 2> /dev/null)" = "$turn" ]
}
told_turns() {
  cat ${configPath}/${loginsFile(1)} ${configPath}/${loginsFile(2)}
  readlink ${passwordsPath}/1/..data ${passwordsPath}/2/..data || true
}
`

/** Shell: true when an empty volume is a loss. */
export const heldData = `[ "$(cat ${configPath}/${initialisedFile})" = true ]`

/** Shell function `refuse REASON TEXT`: ends the pod with words that the operator turns into a condition. */
export const refuseFunction = `refuse() {
  echo "$1: $2" | tee ${lastWordsPath} >&2
  exit 1
}`

/** Shell: a call of that function. */
export const refuse = (reason: LastReason, text: string): string => `refuse ${reason} "${text}"`
