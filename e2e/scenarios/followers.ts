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

async function pageOf(url: string): Promise<ChangesPage | undefined> {
  const answer = await fetch(url).catch(() => undefined)
  const text = await answer?.text().catch(() => undefined)
  return answer?.status === 200 && text !== undefined ? JSON.parse(text) : undefined
}
