/** Condition `EndToEndReady`: whether probe records come through, and where they get stuck if not. Pure. */
import type { ConditionType, Reason } from '#crds/v1alpha1/conditions.ts'
import type { Hop } from '#dataservice/contract/end-to-end.ts'
import { durationMs } from '#operator/desired/duration.ts'
import { isManaged } from '#operator/desired/engine-choice.ts'
import { type DeployedPart, deployedParts, partName, postgresPod } from '#operator/desired/names.ts'
import type { Target } from '#operator/desired/target.ts'
import { type Facts, findChild } from '#operator/reconcile/facts.ts'
import { podProgress } from '#operator/reconcile/progress.ts'
import { type Finding, fails, holds, isUnknown } from './conditions.ts'
import { kubectl } from './kubectl.ts'

const type = 'EndToEndReady'

interface Station {
  reason: Reason
  condition?: ConditionType
  /** Whose logs, of a DataService of this name. */
  logs: (name: string, primary: number) => string
}

const ofDeployment =
  (part: DeployedPart): Station['logs'] =>
  name =>
    `deployment/${partName(name, part)}`

/** What to look at where a record gets stuck. */
const stations: Readonly<Record<Hop, Station>> = {
  gateway: { reason: 'StuckAtGateway', logs: ofDeployment('gateway') },
  kafka: { reason: 'StuckAtKafka', condition: 'LogReady', logs: name => `${partName(name, 'kafka')}-0` },
  writer: { reason: 'StuckAtWriter', condition: 'WriterReady', logs: ofDeployment('writer') },
  postgres: { reason: 'StuckAtPostgres', condition: 'DatabaseReady', logs: postgresPod },
  reader: { reason: 'StuckAtReader', logs: ofDeployment('reader') },
}

/** Pods of an engine that others run are not ours to look at; those who use it say what they find. */
function stationOf(hop: Hop, { target }: Known): Station {
  const { reason, ...ours } = stations[hop]
  if (isManaged(target.effective, hop)) return { reason, ...ours }
  return { reason, logs: ofDeployment(hop === 'kafka' ? 'writer' : 'reader') }
}

type Known = Pick<Facts, 'owner' | 'children' | 'endToEnd'> & {
  target: Pick<Target, 'effective' | 'initialisation'>
}

export function endToEnd(facts: Known): Finding {
  const { owner, endToEnd: seen } = facts
  const off = partOff(facts)
  if (off !== undefined)
    return isUnknown(type, 'NotProbed', `the ${off} is scaled to zero: nothing can come through`)
  if (seen.kind === 'notAsked')
    return isUnknown(type, 'NotProbed', 'no reader is ready that could send probe records')
  if (seen.kind === 'untold')
    return isUnknown(type, 'NotProbed', 'the readers have not seen yet whether probe records come through')
  const { brokenAt, detail, quickestMs } = seen.told
  if (brokenAt !== undefined) {
    const { reason, condition, logs } = stationOf(brokenAt, facts)
    const why = detail === undefined ? '' : `: ${detail}`
    const whose = logs(owner.metadata.name, facts.target.initialisation.primary)
    const see = `${condition === undefined ? '' : `${condition} and `}${kubectl(owner.metadata, `logs ${whose}`)}`
    return fails(type, reason, `probe records get stuck at the ${brokenAt}${why}. See ${see}`)
  }
  const aim = owner.spec.slo?.endToEnd
  if (aim === undefined) return holds(type, 'RecordsPass', 'probe records come through from POST to GET')
  if (quickestMs !== undefined && quickestMs > durationMs(aim))
    return fails(
      type,
      'SlowerThanSlo',
      `each of the last probe records took longer than spec.slo.endToEnd (${aim}): dataservice_end_to_end_seconds of the ` +
        'readers tells how long, dataservice_writer_lag_age_seconds and the condition Scaling why',
    )
  return holds(type, 'RecordsPass', `probe records come through from POST to GET within ${aim}`)
}

/** A part that is scaled to zero: nothing can come through. */
const partOff = (facts: Pick<Facts, 'owner' | 'children'>): DeployedPart | undefined =>
  deployedParts.find(part => isScaledToZero(facts, part))

export const isOff = (facts: Pick<Facts, 'owner' | 'children'>): boolean => partOff(facts) !== undefined

function isScaledToZero(facts: Pick<Facts, 'owner' | 'children'>, part: DeployedPart): boolean {
  const found = findChild(facts, 'Deployment', partName(facts.owner.metadata.name, part))
  return found !== undefined && podProgress(found).wanted === 0
}

/** Records that are late are no reason to call a service unready; records that get stuck are. */
export const isStuck = ({ status, reason }: Finding): boolean =>
  status === 'False' && reason !== 'SlowerThanSlo'
