/** What the real pods and their twin have in common. */
import { expect, test } from 'vitest'
import type { ReadinessPort } from './port.ts'

export interface PodsUnderTest {
  readiness: ReadinessPort
  /** Makes the pod at `address` say this; undefined: nobody answers there. */
  play(answer: { ready: boolean; text: string; progress?: string } | undefined): Promise<void>
  address: string
}

export function readinessContract(start: () => Promise<PodsUnderTest>): void {
  test('the words of a pod that is not ready', async () => {
    const { readiness, play, address } = await start()
    await play({ ready: false, text: 'partition 1 stopped' })
    expect(await readiness.reasonOf(address)).toBe('partition 1 stopped')
  })

  test('nothing of a pod that is ready', async () => {
    const { readiness, play, address } = await start()
    await play({ ready: true, text: 'ready' })
    expect(await readiness.reasonOf(address)).toBeUndefined()
  })

  test('what a writer tells of its progress, ready or not', async () => {
    const { readiness, play, address } = await start()
    for (const ready of [true, false]) {
      await play({ ready, text: '', progress: '{"stored":{}}' })
      expect(await readiness.progressOf(address)).toBe('{"stored":{}}')
    }
    await play({ ready: true, text: '' })
    expect(await readiness.progressOf(address)).toBeUndefined()
    await play(undefined)
    expect(await readiness.progressOf(address)).toBeUndefined()
  })

  test('nothing of a pod that does not answer', async () => {
    const { readiness, play, address } = await start()
    await play(undefined)
    expect(await readiness.reasonOf(address)).toBeUndefined()
  })
}
