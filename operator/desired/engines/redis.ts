/**
 * Redis as a cache: bounded memory, nothing on disk. Several know nothing of each other: our programs fill all of them
 * (`dataservice/platform/redis/instance.ts`).
 */
import { certificateFiles, credentialKeys, ports } from '#dataservice/contract/names.ts'
import { encrypts } from '../hop-modes.ts'
import { quantityValue } from '../quantity.ts'
import { turnedKeys } from '../secrets.ts'
import type { Target } from '../target.ts'
import {
  certificatePath,
  closedLogins,
  configPath,
  type Engine,
  followCertificates,
  followedPasswords,
  toldPasswords,
} from './engine.ts'

export const redis: Engine = {
  user: 999,
  files: target => ({
    'start.sh': startScript(target),
    'alive.sh': aliveScript,
    'redis.conf': configuration(target),
  }),
  ports: [{ name: 'redis', containerPort: ports.redis, protocol: 'TCP' }],
  env: () => [],
  pods: ({ caches }) => caches,
  rolls: () => 'RollingUpdate',
  secretKeys: [credentialKeys.redis],
  followed: followedPasswords,
  readiness: { tcpSocket: { port: 'redis' }, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 3 },
  // Programs notice within milliseconds that it is silent and do without it, so this need not be soon.
  liveness: {
    exec: { command: ['sh', `${configPath}/alive.sh`] },
    periodSeconds: 30,
    timeoutSeconds: 15,
    failureThreshold: 3,
  },
  scratch: ['/tmp', '/run/redis', '/data'],
  graceSeconds: 10,
  // What Redis keeps is at most a minute old: after that one that was empty holds what the others hold.
  settleSeconds: ({ caches }) => (caches > 1 ? 60 : 0),
}

/** Redis may fill this part of its memory limit; the rest is for buffers and fragmentation. */
const memoryShare = 0.6

function configuration({ effective }: Target): string {
  const limit = quantityValue(effective.resources.redis.limits.memory) ?? 0
  return `${encrypts(effective) ? encrypted : `port ${ports.redis}\n`}unixsocket ${socket}
unixsocketperm 700
dir /data
save ""
appendonly no
maxmemory ${Math.floor(limit * memoryShare)}
maxmemory-policy allkeys-lru
`
}

const encrypted = `port 0
tls-port ${ports.redis}
tls-cert-file ${certificatePath}/${certificateFiles.certificate}
tls-key-file ${certificatePath}/${certificateFiles.key}
tls-ca-cert-file ${certificatePath}/${certificateFiles.authority}
tls-auth-clients yes
`

const socket = '/run/redis/redis.sock'
/** A password that opens it now. */
const known = '/run/redis/known'

/** Commands come by standard input, or by arguments where no password stands in them. */
const cli = `REDISCLI_AUTH=$(cat ${known}) redis-cli -s ${socket}`

/**
 * The liveness probe: fails only for a Redis that is silent; the kernel goes on accepting connections for it. Any answer
 * will do, also one that asks for a password. A socket that is not there yet belongs to one that starts.
 */
const aliveScript = `#!/bin/sh
timeout 10 redis-cli -s ${socket} PING > /dev/null 2>&1
[ $? != 124 ]
`

/** The same names make Redis read the files anew, all three at once. */
const reload = `${cli} CONFIG SET \\
    tls-cert-file ${certificatePath}/${certificateFiles.certificate} \\
    tls-key-file ${certificatePath}/${certificateFiles.key} \\
    tls-ca-cert-file ${certificatePath}/${certificateFiles.authority} | grep -q OK`

/**
 * Passwords change while Redis runs: all that are told open it. When one alone is left whoever is connected has to show it;
 * our programs connect again at once.
 */
const passwords = `${toldPasswords}# gather: sets rules to what lets in whoever has a told password, one to such a password, and awaited while another is on
# its way.
gather() {
  rules= one= awaited=
  for set in 1 2; do
    if told_passwords $set; then
      one=$(cat "$from/${turnedKeys.redis}")
      rules="$rules >$one"
    elif [ "$turn" != ${closedLogins} ]; then
      awaited=yes
    fi
  done
  [ -n "$rules" ]
}
keep_known() {
  printf '%s' "$one" > ${known}.new
  mv ${known}.new ${known}
}
admit() {
  [ "$rules" != "$applied" ] || return 0
  printf 'ACL SETUSER default resetpass%s\\n' "$rules" | ${cli} | grep -qx OK && keep_known || return 1
  case "$awaited$rules" in
    yes* | *' >'*' >'*) ;;
    *) ${cli} CLIENT KILL USER default SKIPME yes > /dev/null || return 1 ;;
  esac
  applied=$rules
}
follow_logins() {
  while sleep 5 && kill -0 $$ 2> /dev/null; do
    found=$(told_turns)
    if [ "$found" != "$last" ] && gather && admit; then
      last=$found
    fi
  done
}
`

const startScript = ({ effective }: Target): string => `#!/bin/sh
# Starts Redis. Passwords go by files and pipes, never by a command line that everybody in the pod can read.
set -eu
umask 077
${passwords}last=$(told_turns)
until gather; do sleep 1; done # its Secret is on its way
printf 'user default reset on sanitize-payload ~* &* +@all%s\\n' "$rules" > /run/redis/users.conf
keep_known
applied=$rules
follow_logins &
${encrypts(effective) ? followCertificates(reload) : ''}exec redis-server ${configPath}/redis.conf --include /run/redis/users.conf
`
