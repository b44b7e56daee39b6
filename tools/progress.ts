/** One way to say what long work is doing: plain lines with the seconds since the start. */
const started = Date.now()

/** Prints a step: `[ 12 s] building kube-apiserver`. */
export function step(message: string): void {
  const seconds = Math.round((Date.now() - started) / 1000)
  console.log(`[${String(seconds).padStart(4)} s] ${message}`)
}
