/** How long faults and rests last: short in `npm test`, in full in `npm run chaos`. */

/** The variable of the environment that says `full`. */
export const lengthVariable = 'DATASERVICE_FAULTS'

/** Whether everything is wanted. */
export const isFull = process.env[lengthVariable] === 'full'

/** An engine or the API server is away. */
export const awayMs = isFull ? 60_000 : 20_000
/** Nothing is asked of the operator. Longer than its look at the topics and any back-off. */
export const restMs = isFull ? 600_000 : 90_000
