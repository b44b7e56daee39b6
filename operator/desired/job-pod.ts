/** What a Job of ours runs: one program with its files. */
import type { V1KeyToPath, V1PodSpec } from '@kubernetes/client-node'
import { credentialFiles, credentialKeys } from '#dataservice/contract/names.ts'
import { certificateVolumes } from './certificates.ts'
import { asksOurPostgres } from './elsewhere.ts'
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

/** Which programs show a certificate of ours, and trust our authority. */
const isCertified: Readonly<Record<JobProgram, (target: Target) => boolean>> = {
  migrate: () => true,
  maintain: () => true,
  remove: asksOurPostgres,
  retire: () => true,
}

export function programPod(target: Target, program: JobProgram): Pick<V1PodSpec, 'containers' | 'volumes'> {
  const container = programContainer(program, target)
  const certificates = isCertified[program](target) ? certificateVolumes(target, 'jobs') : []
  const mounted = [...userSecrets(target, program), ...certificates]
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
