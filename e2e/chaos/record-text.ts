/** Records for the test service: no two alike, and with spellings that a parser would not keep. Pure. */

const numbers = ['1e2', '-0', '0.10', '12345678901234567890', '1E-7', '3', '2.50', '1.0e0'] as const
const notes = ['', '"note":"\\u00e9é"  ,', '"note":"😀 \\/ /",\t', '"b":[1, 2 ,{}],', '"a":null,'] as const

/** `padding`: bytes of a text in it. */
export function recordText(number: number, padding = 0): string {
  const amount = numbers[number % numbers.length]
  const note = notes[number % notes.length]
  const long = padding === 0 ? '' : `"long":"${'x'.repeat(padding)}",`
  return `{"customer":"c${number % 1000}", "amount":${amount},${note}${long}"quantity":${number}}`
}
