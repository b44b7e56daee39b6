/** ConfigMap `NAME-backup-config`: the scripts of backups. */
import type { V1ConfigMap } from '@kubernetes/client-node'
import { loginSetOf } from '#dataservice/contract/names.ts'
import { encrypts } from '../hop-modes.ts'
import { type Child, ownedMetadata } from '../labels.ts'
import { backupConfigName, postgresPrimaryName, serviceHost } from '../names.ts'
import type { Target } from '../target.ts'
import { mirrorFiles } from './mirror.ts'
import { provenTurn } from './proven-turn.ts'
import { fetchScript, restoreScript } from './restore-scripts.ts'
import { backupScript, commonScript, readyScript, receiveScript } from './scripts.ts'

export function backupFiles(target: Target): Record<string, string> {
  const { owner, effective } = target
  const { name, namespace } = owner.metadata
  return {
    'common.sh': commonScript({
      primaryHost: serviceHost(postgresPrimaryName(name), namespace),
      retainSeconds: effective.backup?.retainSeconds ?? 0,
      encrypted: encrypts(effective),
      loginSet: loginSetOf(provenTurn(target)),
    }),
    'receive.sh': receiveScript,
    'ready.sh': readyScript,
    'backup.sh': backupScript,
    'restore.sh': restoreScript,
    'fetch.sh': fetchScript,
  }
}

export function backupConfigMap(target: Target): Child<V1ConfigMap> | undefined {
  const { owner, effective } = target
  if (effective.backup === undefined) return undefined
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(owner, backupConfigName(owner.metadata.name), 'backup'),
    data: { ...backupFiles(target), ...mirrorFiles(target) },
  }
}
