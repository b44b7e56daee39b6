/** Conditions in the status of an object that somebody else writes: nothing of their form is taken for granted. Pure. */
import { isPlainObject } from './hash.ts'

export type ObservedCondition = Record<string, unknown>

export function conditionsIn(status: Record<string, unknown> | undefined): ObservedCondition[] {
  const conditions: unknown = status?.['conditions']
  return Array.isArray(conditions) ? conditions.filter(isPlainObject) : []
}

export const conditionIn = (
  status: Record<string, unknown> | undefined,
  type: string,
): ObservedCondition | undefined => conditionsIn(status).find(each => each['type'] === type)
