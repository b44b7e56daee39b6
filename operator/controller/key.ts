/** What the queue holds: one DataService. */

/** Of one DataService. */
export interface Key {
  namespace: string
  name: string
}

/** `namespace/name`, as the queue holds it. */
export const keyText = ({ namespace, name }: Key): string => `${namespace}/${name}`

/** Undefined for a text that is not `namespace/name`. */
export function parseKey(text: string): Key | undefined {
  const [namespace, name, ...rest] = text.split('/')
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined
}
