/** The input of builders, for tests: nothing observed, and secrets that are the same each time. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { autoscalerKind, foreignAutoscalers } from '#operator/desired/autoscalers.ts'
import { type ClassChoice, chosenName } from '#operator/desired/class-choice.ts'
import { effective, type Images } from '#operator/desired/effective.ts'
import { hopsInUse } from '#operator/desired/hops.ts'
import { ownScaledObject } from '#operator/desired/keda.ts'
import { settingsOf } from '#operator/desired/settings-config-map.ts'
import type { ObservedChild, Passwords, Target } from '#operator/desired/target.ts'
import { renderedSettings } from '#operator/reconcile/roll-order.ts'

export const images: Images = {
  dataservice: 'example.test/dataservice:1',
  kafka: 'apache/kafka:4.3.0',
  postgres: 'postgres:17',
  redis: 'redis:8.0',
}

/** Of the operator of tests. */
export const testRevision = '1.0.0-00000001'

/** As long as nobody has asked for others. */
export const firstPasswords: Passwords = { turn: 1, open: [1], done: 1 }

export function targetOf(
  owner: DataService,
  observed: readonly ObservedChild[] = [],
  choice: ClassChoice = { kind: 'builtIn' },
  passwords: Passwords = firstPasswords,
): Target {
  const find: Target['observed'] = (kind, name) =>
    observed.find(child => child.kind === kind && child.metadata.name === name)
  const ofClass = choice.kind === 'class' ? choice.spec : {}
  const inForce = effective(owner, images, ofClass, hopsInUse({ owner, observed: find }))
  const className = chosenName(choice)
  const settings = settingsOf(owner, inForce)
  return {
    owner,
    effective: inForce,
    className,
    settings: renderedSettings(settings, {
      owner,
      observed: find,
      effective: inForce,
      className,
      passwords,
      now: new Date('2026-01-01T12:00:00Z'),
    }),
    observed: find,
    foreignAutoscalers: foreignAutoscalers(
      owner,
      observed.filter(({ kind }) => kind === autoscalerKind),
      ownScaledObject({ owner, effective: inForce, observed: find }),
    ),
    asleep: new Set(),
    isLogThin: false,
    certificates: { issue: 1, version: '' },
    passwords,
    initialisation: {
      initialised: new Set(),
      reinitialised: new Set(),
      heldBrokers: 0,
      beginnings: 0,
      primary: 0,
    },
    fresh: { kafkaId: name => `id-of-${name}`, password: name => `password-of-${name}` },
  }
}
