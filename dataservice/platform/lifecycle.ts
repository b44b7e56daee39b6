/**
 * The life of one process: what a role is given, what it answers, and how it ends.
 *
 * Each role folder has a `role.ts` that exports `start(context, ports): Promise<Running>`. The ports are the role's
 * own interface; only `main.ts` builds the adapters behind them, and registers how to close each with `onClose`.
 */
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Certificates } from './tls/certificates.ts'

export interface RoleContext {
  settings: Settings
  /** The record declaration of the settings. Judged when it is first read, which throws where it cannot be used. */
  readonly record: AcceptedRecord
  /** Reads a file of `credentialFiles`, without its last newline. Throws when the pod does not have it. */
  credential(file: string): string
  /** Where hops are encrypted. */
  certificates?: Certificates
  log: Logger
  /** Default process metrics stand in it already; a role adds its own. */
  metrics: Registry
  podName: string
  /** Aborted when a start or a stop must not wait any longer: its deadline has passed, or a start is given up. */
  signal: AbortSignal
  /** Registers the end of an adapter. Called in reverse order after `Running.stop`. */
  onClose(name: string, close: () => Promise<void> | void): void
}

/** A role at work. */
export interface Running {
  /** Why this pod should get no traffic now, or undefined when it is ready. Cheap and synchronous. */
  notReady(): string | undefined
  /** The text at `/progress`, for roles that tell one. Cheap and synchronous. */
  progress?(): string
  /** True when a Service sends traffic here: a shutdown then first waits until the endpoints are gone. */
  behindService: boolean
  /** The pod is about to leave its Service: ask clients to connect anew. Traffic still comes for some seconds. */
  drain?(): void
  /**
   * Takes nothing new, finishes what is in flight, hands over. Adapters are closed after it. A job: ends as `done` does.
   * A rejection ends the process with exit 1.
   */
  stop(): Promise<void>
  /**
   * A job: resolves when the work is done (exit 0). A server: never resolves.
   * A rejection ends the process with exit 1 in both.
   */
  done: Promise<void>
}

/**
 * A job: it is done when this resolves, and serves nobody meanwhile. Told to stop it goes on to its end: Kubernetes takes
 * exit 0 for work that is done, so work that failed or was cut must not end in order.
 */
export const jobOf = (done: Promise<void>): Running => ({
  notReady: () => undefined,
  behindService: false,
  stop: () => done,
  done,
})
