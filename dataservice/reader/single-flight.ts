/** Callers that ask for the same thing at the same time share one answer. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>()

  /** Runs `work`, or joins the run for this key that is under way. */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const flying = this.#flights.get(key)
    if (flying) return flying
    const flight = work()
    this.#flights.set(key, flight)
    const end = () => this.#flights.delete(key)
    flight.then(end, end)
    return flight
  }
}
