/** What is posted and stored: orders of the test service, of a wanted size. */
import { testRecord } from '#e2e/engines/service-settings.ts'

export const orders = testRecord

/** A record of about so many bytes; those of one number are alike. */
export function order(number: number, bytes: number): string {
  const text = JSON.stringify({
    customer: `customer-${number % 10_000}`,
    amount: (number * 37) % 100_000,
    quantity: number % 9,
    paid: number % 3 === 0,
    address: { city: cities[number % cities.length] },
    note: '',
  })
  return text.replace('"note":""', `"note":"${'n'.repeat(Math.max(0, bytes - text.length))}"`)
}

const cities = ['Berlin', 'Bern', 'Lisbon', 'Oslo', 'Porto', 'Prague', 'Rome', 'Vienna'] as const
