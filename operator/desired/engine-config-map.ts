/** ConfigMap `NAME-<engine>-config`: start script and configuration of one engine. */
import type { V1ConfigMap } from '@kubernetes/client-node'
import { loginSetOf, loginSets } from '#dataservice/contract/names.ts'
import { closedLogins, heldBrokersFile, initialisedFile, loginsFile, primaryFile } from './engines/engine.ts'
import { engines } from './engines/engines.ts'
import { type Child, ownedMetadata } from './labels.ts'
import { dataParts, type EnginePart, engineConfigName } from './names.ts'
import type { Target } from './target.ts'

export function engineConfigMap(target: Target, part: EnginePart): Child<V1ConfigMap> {
  const { owner } = target
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(owner, engineConfigName(owner.metadata.name, part), part),
    // Beside the files that roll the pods: a running engine does not care, only the next start reads it.
    data: {
      ...engines[part].files(target),
      ...volumeState(target, part),
      ...(engines[part].followed && loginState(target)),
    },
  }
}

/** Tells the start script whether an empty volume is a first start or a loss. */
function volumeState({ initialisation }: Target, part: EnginePart): Record<string, string> {
  const keeper = dataParts.find(each => each === part)
  if (keeper === undefined) return {}
  if (keeper === 'kafka') return { [heldBrokersFile]: `${initialisation.heldBrokers}\n` }
  return {
    [initialisedFile]: `${initialisation.initialised.has(keeper)}\n`,
    [primaryFile]: `${initialisation.primary}\n`,
  }
}

/** Whose passwords open the engine, which follows it while it runs. */
function loginState({ passwords }: Target): Record<string, string> {
  const turnOf = (set: number) => passwords.open.find(turn => loginSetOf(turn) === set) ?? closedLogins
  return Object.fromEntries(loginSets.map(set => [loginsFile(set), `${turnOf(set)}\n`]))
}
