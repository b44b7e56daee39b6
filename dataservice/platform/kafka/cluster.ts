/** Finds brokers and leaders of one topic and keeps connections to them. */
import type { SecureContext } from 'node:tls'
import { type Address, type Call, kafkaError, Link, type LinkOptions, type Login, NotSent } from './link.ts'
import { describeTopic, newerOf, type TopicView } from './topic-view.ts'

export interface ClusterOptions {
  /** `host:port` of brokers to ask first. */
  brokers: readonly string[]
  topic: string
  /** Shows in the brokers' logs and quotas. */
  clientId: string
  /** As for a link. */
  tls?: () => SecureContext
  /** As for a link. */
  login?: Login
  /** Default 1000. */
  connectTimeoutMs?: number
}

const metadataTimeoutMs = 1500

export class Cluster {
  readonly topic: string
  readonly #clientId: string
  readonly #way: Pick<LinkOptions, 'tls' | 'login' | 'connectTimeoutMs'>
  readonly #seeds: readonly Address[]
  readonly #links = new Map<string, Link>()
  #view: TopicView | undefined
  #refreshing: Promise<TopicView> | undefined
  #isClosed = false

  constructor({ brokers, topic, clientId, tls, login, connectTimeoutMs = 1000 }: ClusterOptions) {
    this.topic = topic
    this.#clientId = clientId
    this.#way = { connectTimeoutMs, ...(tls && { tls }), ...(login && { login }) }
    this.#seeds = brokers.map(parseAddress)
  }

  /** What is known of the topic; asks when nothing is. */
  async view(): Promise<TopicView> {
    return this.#view ?? this.refresh()
  }

  /** What was known last. */
  get lastView(): TopicView | undefined {
    return this.#view
  }

  /** Asks all known brokers and takes the first answer. Callers at the same time share one question. */
  refresh(): Promise<TopicView> {
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** Asks any broker, the quickest to answer wins; for requests that every broker can answer. */
  async askAny<Answer>(call: Call<Answer>, timeoutMs: number): Promise<Answer> {
    const known = [...(this.#view?.brokers.values() ?? []), ...this.#seeds]
    const addresses = new Map(known.map(address => [nameOf(address), address]))
    const asked = [...addresses.values()].map(async address =>
      this.#sharedLink('any', address).request(call, timeoutMs),
    )
    try {
      return await Promise.any(asked)
    } catch (cause) {
      throw cause instanceof AggregateError ? mostTelling(cause) : cause
    }
  }

  /** The connection to a broker for one purpose; requests of different purposes do not wait for each other. */
  link(purpose: string, broker: number): Link {
    return this.#sharedLink(purpose, this.#addressOf(broker))
  }

  /** A connection to a broker that the caller owns and closes. */
  openTo(broker: number): Link {
    return this.open(this.#addressOf(broker))
  }

  /** A connection that the caller owns and closes. */
  open(address: Address): Link {
    return new Link(address, { clientId: this.#clientId, ...this.#way })
  }

  #addressOf(broker: number): Address {
    const address = this.#view?.brokers.get(broker)
    if (!address) throw new NotSent(`no address of broker ${broker}`)
    return address
  }

  close(): void {
    this.#isClosed = true
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  async #ask(): Promise<TopicView> {
    const fresh = await this.askAny(describeTopic(this.topic), metadataTimeoutMs)
    this.#view = newerOf(this.#view, fresh)
    return this.#view
  }

  #sharedLink(purpose: string, address: Address): Link {
    const name = `${purpose} ${nameOf(address)}`
    const known = this.#links.get(name)
    if (known?.isUsable) return known
    if (this.#isClosed) throw new NotSent('this client is closed')
    const link = this.open(address)
    this.#links.set(name, link)
    return link
  }
}

/** Of the errors of several brokers, one in which a broker says why. */
const mostTelling = ({ errors }: AggregateError): unknown =>
  errors.find(error => kafkaError(error) !== undefined) ?? errors[0]

const nameOf = ({ host, port }: Address): string => `${host}:${port}`

export function parseAddress(text: string): Address {
  const at = text.lastIndexOf(':')
  const port = Number(text.slice(at + 1))
  if (at < 1 || !Number.isInteger(port)) throw new Error(`not a broker address (host:port): ${text}`)
  return { host: text.slice(0, at), port }
}
