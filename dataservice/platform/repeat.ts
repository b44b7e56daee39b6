/** Work that is done again and again for as long as a process lives. */

/** One round at a time, the first at once, each next one a while after the last has ended. */
export function repeat(
  work: () => Promise<void>,
  pauseMs: number,
  failed: (cause: unknown) => void,
): { stop(): void } {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const round = () => {
    work()
      .catch(failed)
      .finally(() => {
        if (!isStopped) timer = setTimeout(round, pauseMs).unref()
      })
  }
  round()
  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
