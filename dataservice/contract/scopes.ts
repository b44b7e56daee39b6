/** What a caller may be allowed to do; API keys, tokens and documentation use these words. */
export const scopes = ['read', 'write', 'stream', 'admin'] as const

/**
 * `read`: GET of records. `write`: POST, PUT, PATCH, DELETE. `stream`: the changes as they are committed.
 * `admin`: not limited to records of its own key; allows nothing by itself.
 */
export type Scope = (typeof scopes)[number]

export const isScope = (text: string): text is Scope => scopes.some(scope => scope === text)
