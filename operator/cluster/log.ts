/** Where the shell reports trouble it goes on after; pino's loggers fit. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** For tests and tools that report by other means. */
export const silentLog: Log = { info() {}, warn() {}, error() {} }
