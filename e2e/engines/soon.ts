/** For `vi.waitFor` and `expect.poll` on real engines: Vitest itself waits for one second, which a busy machine takes for a pause. */
export const soon = { timeout: 20_000, interval: 20 }
