/** Condition `ClassReady`: which class is in force, and whether it is clear why. Pure. */
import { builtInClass } from '#crds/v1alpha1/built-in.ts'
import { defaultAnnotation } from '#crds/v1alpha1/class.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { type Finding, fails, holds } from './conditions.ts'

const type = 'ClassReady'

export function classReady({ owner, choice, block }: Facts): Finding {
  switch (choice.kind) {
    case 'builtIn':
      return holds(
        type,
        'BuiltIn',
        `no DataServiceClass is in force: what the spec leaves open is ${builtInClass}`,
      )
    case 'missing':
    case 'unseen':
      return fails(
        type,
        block?.reason ?? 'ClassMissing',
        block?.message ?? `DataServiceClass ${choice.name} is missing`,
      )
    case 'class': {
      if (choice.rivals.length > 0) return fails(type, 'SeveralDefaults', rivalry(choice))
      const why = owner.spec.className === undefined ? ', the default one when this DataService was made' : ''
      return holds(type, 'Ready', `DataServiceClass ${choice.name} is in force${why}`)
    }
    default:
      return choice satisfies never
  }
}

const rivalry = ({ name, rivals }: { name: string; rivals: readonly string[] }): string =>
  `DataServiceClasses ${[name, ...rivals].join(', ')} are all marked as the default one. ${name} stays in force here, ` +
  `and new DataServices get the oldest of them: take the annotation ${defaultAnnotation} from all but one, ` +
  'or set spec.className'
