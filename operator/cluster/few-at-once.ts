/** Runs tasks as they come, but only so many at the same time; the others wait in the order in which they came. */
export function fewAtOnce(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async task => {
    if (running === most) await new Promise<void>(resolve => waiting.push(resolve))
    else running += 1
    try {
      return await task()
    } finally {
      // Whoever is next takes the place over, so that nobody comes between.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
