/** What the operator asks of a pod itself, because no object of the cluster says it. */
export interface ReadinessPort {
  /** The text of the pod's `/readyz` while it says that it is not ready; undefined when it is, or does not answer in a second. */
  reasonOf(address: string): Promise<string | undefined>
  /** The text of a writer pod's `/progress`, ready or not; undefined when it tells none, or does not answer in a second. */
  progressOf(address: string): Promise<string | undefined>
}
