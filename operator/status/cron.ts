/**
 * When a CronJob is due, in UTC. Its five fields mean here what the controller of Kubernetes takes them to mean; where the
 * days of month and week are both said, other programs differ. Pure.
 */

interface Bounds {
  least: number
  most: number
  /** The first one stands for the least number. */
  names?: readonly string[]
}

const bounds = {
  minute: { least: 0, most: 59 },
  hour: { least: 0, most: 23 },
  day: { least: 1, most: 31 },
  month: {
    least: 1,
    most: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  weekday: { least: 0, most: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
} as const satisfies Record<string, Bounds>

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** A schedule that is never due within five years, as that of a 31 February, never is. */
const daysAhead = 5 * 366

/** The first time after this one; undefined where there is none, or where Kubernetes would refuse the schedule. */
export function nextDue(schedule: string, after: Date): Date | undefined {
  const [minute = '', hour = '', ...days] = schedule.split(' ')
  const minutes = valuesOf(minute, bounds.minute)
  const hours = valuesOf(hour, bounds.hour)
  const isDay = dayRule(days)
  const firstDay = after.getTime() - (after.getTime() % dayMs)
  for (let day = firstDay; day < firstDay + daysAhead * dayMs; day += dayMs) {
    if (!isDay(new Date(day))) continue
    const times = hours.flatMap(each => minutes.map(one => day + each * hourMs + one * minuteMs))
    const due = times.find(time => time > after.getTime())
    if (due !== undefined) return new Date(due)
  }
  return undefined
}

/** Where both the day of the month and that of the week are said, one of them is enough. */
function dayRule([day = '', month = '', weekday = '']: readonly string[]): (date: Date) => boolean {
  const [days, months, weekdays] = [
    valuesOf(day, bounds.day),
    valuesOf(month, bounds.month),
    valuesOf(weekday, bounds.weekday),
  ]
  const isEither = !isOpen(day) && !isOpen(weekday)
  return date => {
    const found = [days.includes(date.getUTCDate()), weekdays.includes(date.getUTCDay())]
    const fits = isEither ? found.some(Boolean) : found.every(Boolean)
    return fits && months.includes(date.getUTCMonth() + 1)
  }
}

const isOpen = (text: string): boolean => text.split(',').some(part => /^\*(\/1)?$/.test(part))

/** In order; empty where a part cannot be read. */
function valuesOf(text: string, field: Bounds): number[] {
  const parts = text
    .split(',')
    .filter(part => part !== '')
    .map(part => partOf(part, field))
  const all = Array.from({ length: field.most - field.least + 1 }, (_, index) => field.least + index)
  if (!parts.every(part => part !== undefined)) return []
  return all.filter(value =>
    parts.some(({ from, to, step }) => value >= from && value <= to && (value - from) % step === 0),
  )
}

/** As `3`, `mon-fri`, `8-18/2`, or `5/15` for 5-59/15; undefined for what cannot be read. */
function partOf(text: string, field: Bounds): { from: number; to: number; step: number } | undefined {
  const [, first = '', last, every] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(text) ?? []
  const step = Number(every ?? 1)
  const isAll = first === '*'
  const from = isAll ? field.least : numberOf(first, field)
  const single = isAll || every !== undefined ? field.most : from
  const to = last === undefined ? single : numberOf(last, field)
  const isRead = from >= field.least && to <= field.most && from <= to && step > 0
  return isRead && !(isAll && last !== undefined) ? { from, to, step } : undefined
}

function numberOf(word: string, { least, names = [] }: Bounds): number {
  const index = names.indexOf(word.toLowerCase())
  return index < 0 ? Number(word) : least + index
}
