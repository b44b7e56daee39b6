/** What a Job of ours runs: one program with its files. */
import type { V1PodSpec } from '@kubernetes/client-node'
import { credentialFiles, credentialKeys } from '#dataservice/contract/names.ts'
import { certificateVolumes } from './certificates.ts'
import { type JobProgram, programContainer, programVolumes } from './pod.ts'
import type { Target } from './target.ts'
import { userSecrets } from './user-secrets.ts'

/** Of the roles that are made on a Postgres of others, and tell there whose they are. */
const passwordsOfRoles = [
  { key: credentialKeys.writer, path: credentialFiles.writerPassword },
  { key: credentialKeys.reader, path: credentialFiles.readerPassword },
]

export function programPod(target: Target, program: JobProgram): Pick<V1PodSpec, 'containers' | 'volumes'> {
  const container = programContainer(program, target)
  const mounted = [...userSecrets(target, program), ...certificateVolumes(target, 'jobs')]
  const knowsRoles =
    (program === 'migrate' || program === 'remove') && target.effective.postgres !== undefined
  return {
    containers: [
      {
        ...container,
        volumeMounts: [...(container.volumeMounts ?? []), ...mounted.map(({ mount }) => mount)],
      },
    ],
    volumes: [
      ...programVolumes(program, target, knowsRoles ? passwordsOfRoles : []),
      ...mounted.map(({ volume }) => volume),
    ],
  }
}
