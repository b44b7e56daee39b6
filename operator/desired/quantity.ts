/** Kubernetes quantities (`250m`, `0.25`, `1Gi`) as numbers, so that equal ones compare equal. */

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** The number a quantity stands for (cores, bytes), or undefined when the text is none. */
export function quantityValue(text: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]i?|Ki)?$/.exec(text)
  const factor = factors[match?.[2] ?? '']
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor
}

/** The smaller of two quantities, in the text it came in. */
export function smallerQuantity(left: string, right: string): string {
  return largerQuantity(left, right) === left ? right : left
}

/** The larger of two quantities, in the text it came in. */
export function largerQuantity(left: string, right: string): string {
  return (quantityValue(left) ?? 0) >= (quantityValue(right) ?? 0) ? left : right
}
