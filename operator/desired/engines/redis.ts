/** Redis as a cache: bounded memory, nothing on disk. */
import { credentialKeys, ports } from '#dataservice/contract/names.ts'
import { quantityValue } from '../quantity.ts'
import type { Target } from '../target.ts'
import { configPath, type Engine, secretPath } from './engine.ts'

export const redis: Engine = {
  user: 999,
  files: target => ({ 'start.sh': startScript, 'redis.conf': configuration(target) }),
  ports: [{ name: 'redis', containerPort: ports.redis, protocol: 'TCP' }],
  env: () => [],
  pods: () => 1,
  rolls: () => 'RollingUpdate',
  secretKeys: [credentialKeys.redis],
  readiness: { tcpSocket: { port: 'redis' }, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 3 },
  scratch: ['/tmp', '/run/redis', '/data'],
  graceSeconds: 10,
}

/** Redis may fill this part of its memory limit; the rest is for buffers and fragmentation. */
const memoryShare = 0.6

function configuration({ effective }: Target): string {
  const limit = quantityValue(effective.resources.redis.limits.memory) ?? 0
  return `port ${ports.redis}
dir /data
save ""
appendonly no
maxmemory ${Math.floor(limit * memoryShare)}
maxmemory-policy allkeys-lru
`
}

const startScript = `#!/bin/sh
# Starts Redis. The password goes by a file, never by the command line that everybody in the pod can read.
set -eu
umask 077
printf 'requirepass %s\\n' "$(cat ${secretPath}/${credentialKeys.redis})" > /run/redis/password.conf
exec redis-server ${configPath}/redis.conf --include /run/redis/password.conf
`
