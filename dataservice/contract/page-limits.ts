/** Bounds of `GET /data`; the reader keeps them, the API document tells them. */
export const pageLimits = { default: 100, max: 1_000, values: 100, ids: 100 } as const

/** Query parameters that are not fields. A field of such a name is reached by an operator: `limit[eq]=5`. */
export const reservedParameters = ['from', 'to', 'order', 'limit', 'cursor', 'fields', 'count', 'id'] as const
