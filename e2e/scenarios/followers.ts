/** Clients that follow what a service stores, and never give up. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Item {
  id: string
  record: unknown
}

export interface Follower {
  name: string
  /** What it was told so far, in order. */
  readonly items: readonly Item[]
  readonly gaps: readonly unknown[]
  /** Answers that did not come, or were none. */
  setbacks(): number
  stop(): Promise<void>
}

const pauseMs = 50

interface ChangesPage {
  items: Item[]
  next: string
  hasMore: boolean
  gaps?: unknown[]
}

/** Asks for page after page from the start of the log. */
export function followPages(url: string, limit: number): Follower {
  const items: Item[] = []
  const gaps: unknown[] = []
  let failures = 0
  let isOver = false
  const run = async () => {
    for (let after = 'start'; !isOver; ) {
      const page = await pageOf(`${url}/data/changes?limit=${limit}&after=${after}`)
      if (page) {
        items.push(...page.items)
        gaps.push(...(page.gaps ?? []))
        after = page.next
      } else failures += 1
      if (!page?.hasMore) await delay(pauseMs)
    }
  }
  const running = run()
  return {
    name: `pages of ${limit}`,
    items,
    gaps,
    setbacks: () => failures,
    async stop() {
      isOver = true
      await running
    },
  }
}

/** Reads the stream from the start of the log, and comes again with the last id whenever it ends. */
export function followStream(url: string): Follower {
  const items: Item[] = []
  const gaps: unknown[] = []
  const leave = new AbortController()
  let failures = 0
  let last = ''
  const take = ({ id, event, data }: ServerSentEvent) => {
    if (event === 'gap') gaps.push(JSON.parse(data))
    else if (data !== '') items.push(JSON.parse(data))
    if (id !== undefined) last = id
  }
  const run = async () => {
    while (!leave.signal.aborted) {
      await readEvents(`${url}/data/stream?after=start`, last, leave.signal, take).catch(() => {})
      failures += 1
      await delay(pauseMs)
    }
  }
  const running = run()
  return {
    name: 'stream',
    items,
    gaps,
    setbacks: () => failures,
    async stop() {
      leave.abort()
      await running
    },
  }
}

export interface ServerSentEvent {
  id?: string
  event?: string
  /** Empty where there is none. */
  data: string
}

async function readEvents(
  url: string,
  lastEventId: string,
  signal: AbortSignal,
  take: (event: ServerSentEvent) => void,
): Promise<void> {
  const answer = await fetch(url, { headers: { 'last-event-id': lastEventId }, signal })
  if (answer.status !== 200 || !answer.body) return
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of answer.body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) take(eventOf(block))
  }
}

/** One block of the stream; what a client that was cut off has of the next one counts for nothing. */
export function eventOf(block: string): ServerSentEvent {
  const lines = block.split('\n').map(line => {
    const at = line.indexOf(': ')
    return [line.slice(0, at), line.slice(at + 2)] as const
  })
  const last = (name: string) => lines.findLast(([field]) => field === name)?.[1]
  const [id, event] = [last('id'), last('event')]
  const data = lines.flatMap(([field, value]) => (field === 'data' ? [value] : [])).join('\n')
  return { ...(id !== undefined && { id }), ...(event !== undefined && { event }), data }
}

async function pageOf(url: string): Promise<ChangesPage | undefined> {
  const answer = await fetch(url).catch(() => undefined)
  const text = await answer?.text().catch(() => undefined)
  return answer?.status === 200 && text !== undefined ? JSON.parse(text) : undefined
}
