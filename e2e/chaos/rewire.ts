/** Settings of a stack whose engine is reached by a way that can be made bad. */
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Way } from './way.ts'

export function postgresBehind(way: Way, settings: Settings): Settings {
  const endpoint = way.to(settings.store.primary)
  return { ...settings, store: { ...settings.store, primary: endpoint, replica: endpoint } }
}

/** The reader keeps nothing in its own memory, so that Redis is asked. */
export function redisBehind(way: Way, settings: Settings): Settings {
  return { ...settings, cache: { ...settings.cache, ...way.to(settings.cache), localBytes: 0 } }
}
