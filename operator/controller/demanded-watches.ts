/** Watches of kinds that other projects define: each begins when a DataService first uses its kind. */
import type { Change, KubernetesObject, WatchedStore } from '#operator/cluster/port.ts'
import type { Kind } from '#operator/cluster/resources.ts'
import { type Key, keyText } from './key.ts'

interface Demand<Child extends KubernetesObject> {
  kinds: readonly Kind[]
  begin: (kind: Kind) => WatchedStore<Child>
  /** Whoever asked is told when it changes whether the kind is served. */
  tell: (key: Key) => void
  tellChange: (change: Change) => void
}

export function demandedWatches<Child extends KubernetesObject>({
  kinds,
  begin,
  tell,
  tellChange,
}: Demand<Child>) {
  const begun = new Map<Kind, { store: WatchedStore<Child>; askers: Map<string, Key> }>()
  const start = (kind: Kind) => {
    if (!kinds.includes(kind)) throw new Error(`kind ${kind} is not watched on demand`)
    const store = begin(kind)
    const askers = new Map<string, Key>()
    store.onChange(tellChange)
    store.onServing(() => {
      const woken = [...askers.values()]
      askers.clear() // who still uses the kind asks again
      woken.forEach(tell)
    })
    const entry = { store, askers }
    begun.set(kind, entry)
    return entry
  }
  return {
    ask(kind: Kind, asker: Key): WatchedStore<Child> {
      const { store, askers } = begun.get(kind) ?? start(kind)
      askers.set(keyText(asker), asker)
      return store
    },
    begun: () => [...begun.values()].map(({ store }) => store),
  }
}
