/**
 * Redis as a cache: bounded memory, nothing on disk. Several know nothing of each other: our programs fill all of them
 * (`dataservice/platform/redis/instance.ts`).
 */
import { certificateFiles, credentialKeys, ports } from '#dataservice/contract/names.ts'
import { encrypts } from '../hop-modes.ts'
import { quantityValue } from '../quantity.ts'
import type { Target } from '../target.ts'
import { certificatePath, configPath, type Engine, followCertificates, secretPath } from './engine.ts'

export const redis: Engine = {
  user: 999,
  files: target => ({ 'start.sh': startScript(target), 'redis.conf': configuration(target) }),
  ports: [{ name: 'redis', containerPort: ports.redis, protocol: 'TCP' }],
  env: () => [],
  pods: ({ caches }) => caches,
  rolls: () => 'RollingUpdate',
  secretKeys: [credentialKeys.redis],
  readiness: { tcpSocket: { port: 'redis' }, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 3 },
  scratch: ['/tmp', '/run/redis', '/data'],
  graceSeconds: 10,
  // What Redis keeps is at most a minute old: after that one that was empty holds what the others hold.
  settleSeconds: ({ caches }) => (caches > 1 ? 60 : 0),
}

/** Redis may fill this part of its memory limit; the rest is for buffers and fragmentation. */
const memoryShare = 0.6

function configuration({ effective }: Target): string {
  const limit = quantityValue(effective.resources.redis.limits.memory) ?? 0
  return `${encrypts(effective) ? encrypted : `port ${ports.redis}\n`}dir /data
save ""
appendonly no
maxmemory ${Math.floor(limit * memoryShare)}
maxmemory-policy allkeys-lru
`
}

/** The socket is for the pod itself: by it certificates are reloaded. */
const encrypted = `port 0
tls-port ${ports.redis}
tls-cert-file ${certificatePath}/${certificateFiles.certificate}
tls-key-file ${certificatePath}/${certificateFiles.key}
tls-ca-cert-file ${certificatePath}/${certificateFiles.authority}
tls-auth-clients yes
unixsocket /run/redis/redis.sock
unixsocketperm 700
`

/** The same names make Redis read the files anew, all three at once. */
const reload = `REDISCLI_AUTH=$(cat ${secretPath}/${credentialKeys.redis}) redis-cli -s /run/redis/redis.sock CONFIG SET \\
    tls-cert-file ${certificatePath}/${certificateFiles.certificate} \\
    tls-key-file ${certificatePath}/${certificateFiles.key} \\
    tls-ca-cert-file ${certificatePath}/${certificateFiles.authority} | grep -q OK`

const startScript = ({ effective }: Target): string => `#!/bin/sh
# Starts Redis. The password goes by a file, never by the command line that everybody in the pod can read.
set -eu
umask 077
printf 'requirepass %s\\n' "$(cat ${secretPath}/${credentialKeys.redis})" > /run/redis/password.conf
${encrypts(effective) ? followCertificates(reload) : ''}exec redis-server ${configPath}/redis.conf --include /run/redis/password.conf
`
