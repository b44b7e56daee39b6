/** Test files in the order of their names within a project: runs are alike, and scenarios that follow each other fit. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const placeOf = ({ project, moduleId }: TestSpecification): string =>
  `${String(project.config.sequence.groupOrder).padStart(2, '0')} ${project.name} ${moduleId}`

/** For vitest's `sequence.sequencer`; its own one sorts by what earlier runs took, which differs from machine to machine. */
export class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
  }
}
