/** What a Job of ours runs: one program with its files. */
import type { V1KeyToPath, V1PodSpec } from '@kubernetes/client-node'
import { credentialFiles, credentialKeys } from '#dataservice/contract/names.ts'
import { certificateVolumes } from './certificates.ts'
import { type JobProgram, programContainer, programVolumes, redisCredential } from './pod.ts'
import type { Target } from './target.ts'
import { userSecrets } from './user-secrets.ts'

/** Of the roles that are made on a Postgres of others, and tell there whose they are. */
const passwordsOfRoles = [
  { key: credentialKeys.writer, path: credentialFiles.writerPassword },
  { key: credentialKeys.reader, path: credentialFiles.readerPassword },
]

/** A migration makes roles on a Postgres of others, and a removal takes them away. */
const rolesOfOthers = ({ effective }: Target): V1KeyToPath[] =>
  effective.postgres === undefined ? [] : passwordsOfRoles

/** What they have beside their own password. */
const moreCredentials: Readonly<Record<JobProgram, (target: Target) => V1KeyToPath[]>> = {
  migrate: rolesOfOthers,
  maintain: () => [],
  remove: rolesOfOthers,
  retire: ({ effective }) => (effective.providers.redis === 'managed' ? [redisCredential] : []),
}

export function programPod(target: Target, program: JobProgram): Pick<V1PodSpec, 'containers' | 'volumes'> {
  const container = programContainer(program, target)
  const mounted = [...userSecrets(target, program), ...certificateVolumes(target, 'jobs')]
  return {
    containers: [
      {
        ...container,
        volumeMounts: [...(container.volumeMounts ?? []), ...mounted.map(({ mount }) => mount)],
      },
    ],
    volumes: [
      ...programVolumes(program, target, moreCredentials[program](target)),
      ...mounted.map(({ volume }) => volume),
    ],
  }
}
