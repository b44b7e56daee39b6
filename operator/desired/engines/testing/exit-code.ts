/** How a command ends beside an engine, as a probe does. */
import { type ChrootCommand, chrootArguments } from '#e2e/engines/process.ts'
import { CommandFailed, run } from '#tools/shell.ts'

export function exitCode(command: ChrootCommand): Promise<number> {
  const { program, args } = chrootArguments(command)
  return run(program, args).then(
    () => 0,
    (error: unknown) => {
      if (error instanceof CommandFailed && error.exitCode !== null) return error.exitCode
      throw error
    },
  )
}
