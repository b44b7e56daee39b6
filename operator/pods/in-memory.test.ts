import { inMemoryReadiness } from './in-memory.ts'
import { readinessContract } from './readiness.contract.ts'

readinessContract(async () => {
  const readiness = inMemoryReadiness()
  const address = '10.0.0.1'
  return {
    readiness,
    address,
    play: async answer => {
      if (answer === undefined) readiness.says.delete(address)
      else readiness.says.set(address, answer)
    },
  }
})
