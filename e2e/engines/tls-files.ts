/** Puts certificates to where an engine, which sees its own root folder alone, finds them. */
import { chmod, chown, copyFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Nobody but the engine's user may read them: Postgres insists on it. */
export async function copyCertificates(
  from: string,
  to: string,
  userId: number,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const copy = join(to, name)
    await copyFile(join(from, name), copy)
    await chmod(copy, 0o600)
    await chown(copy, userId, userId)
  }
}
