/** Kubernetes quantities (`250m`, `0.25`, `1Gi`) as numbers, so that equal ones compare equal. */

/** A unit is a power of ten, or of two. */
const units: Readonly<Record<string, { ten?: number; two?: number }>> = {
  n: { ten: -9 },
  u: { ten: -6 },
  m: { ten: -3 },
  '': {},
  k: { ten: 3 },
  M: { ten: 6 },
  G: { ten: 9 },
  T: { ten: 12 },
  P: { ten: 15 },
  E: { ten: 18 },
  Ki: { two: 10 },
  Mi: { two: 20 },
  Gi: { two: 30 },
  Ti: { two: 40 },
  Pi: { two: 50 },
  Ei: { two: 60 },
}

/** The largest number that Kubernetes keeps; larger ones become it. */
const most = 2n ** 63n - 1n
/** No quantity is written with a larger exponent or in more characters. */
const largestExponent = 40
const longest = 64

/**
 * The number a quantity stands for (cores, bytes), or undefined when the text is none. Rounded up to thousandths and cut at
 * 2^63-1, as the API server does before it stores one.
 */
export function quantityValue(text: string): number | undefined {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?([numkMGTPE]i?|Ki)?$/.exec(text)
  if (match === null || text.length > longest) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0', unit = ''] = match
  const { ten = 0, two = 0 } = units[unit] ?? {}
  if (units[unit] === undefined || whole + fraction === '') return undefined
  if (Math.abs(Number(exponent)) > largestExponent) return undefined
  const digits = BigInt(whole + fraction) * 2n ** BigInt(two)
  const thousandths = shifted(digits, 3 + ten + Number(exponent) - fraction.length)
  const kept = thousandths > most * 1000n ? most * 1000n : thousandths
  return Number(sign === '-' ? -kept : kept) / 1000
}

/** Times ten to a power, rounded up. */
function shifted(digits: bigint, power: number): bigint {
  if (power >= 0) return digits * 10n ** BigInt(power)
  const divisor = 10n ** BigInt(-power)
  return (digits + divisor - 1n) / divisor
}

/** The smaller of two quantities, in the text it came in. */
export function smallerQuantity(left: string, right: string): string {
  return largerQuantity(left, right) === left ? right : left
}

/** The larger of two quantities, in the text it came in. */
export function largerQuantity(left: string, right: string): string {
  return (quantityValue(left) ?? 0) >= (quantityValue(right) ?? 0) ? left : right
}
