/** Kafka's jars, resolved by Maven from its central repository. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#tools/shell.ts'
import { cacheFolder } from '#tools/workspace.ts'

/** Copies the jars of these Maven coordinates (`group:artifact:version`) and all they need into `folder`. */
export async function copyJars(coordinates: readonly string[], folder: string): Promise<void> {
  if (coordinates.length === 0) return
  const project = await mkdtemp(join(tmpdir(), 'dataservice-jars-'))
  try {
    await writeFile(join(project, 'pom.xml'), pom(coordinates))
    const settings = [`-Dmaven.repo.local=${cacheFolder('maven')}`, `-DoutputDirectory=${folder}`]
    await run('mvn', ['-B', '-q', ...settings, 'dependency:copy-dependencies'], { cwd: project })
    await run('chmod', ['--recursive', 'a+rX', folder])
  } finally {
    await rm(project, { recursive: true })
  }
}

function pom(coordinates: readonly string[]): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>localhost</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
${coordinates.map(dependency).join('\n')}
  </dependencies>
</project>
`
}

function dependency(coordinate: string): string {
  const [group, artifact, version] = coordinate.split(':')
  return `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
}
