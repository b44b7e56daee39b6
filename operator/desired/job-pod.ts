/** What a Job of ours runs: one program with its files. */
import type { V1PodSpec } from '@kubernetes/client-node'
import { certificateVolumes } from './certificates.ts'
import { programContainer, programVolumes } from './pod.ts'
import type { Target } from './target.ts'

export function programPod(
  target: Target,
  program: 'migrate' | 'maintain',
): Pick<V1PodSpec, 'containers' | 'volumes'> {
  const { owner, effective } = target
  const container = programContainer(program, effective.images.dataservice, effective.resources.jobs)
  const certificates = certificateVolumes(target, 'jobs')
  const mounts = [...(container.volumeMounts ?? []), ...certificates.map(({ mount }) => mount)]
  return {
    containers: [{ ...container, volumeMounts: mounts }],
    volumes: [...programVolumes(owner.metadata.name, program), ...certificates.map(({ volume }) => volume)],
  }
}
