import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '#tools/workspace.ts'

const text = (path: string): string => readFileSync(join(root, path), 'utf8')
const read = new Set(text('operator/settings.ts').match(/(?<=')[A-Z][A-Z_]+(?=')/g))

test.each([...read].filter(name => !name.startsWith('RELATED_IMAGE_')))(
  '%s stands in the table of the README',
  name => {
    expect(text('README.md')).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'))
  },
)

test('the variables are found', () => {
  expect(read).toContain('WORKERS')
  expect(read).toContain('CERTIFICATE_SETTLE_SECONDS')
})
