import { inMemoryReadiness } from './in-memory.ts'
import { readinessContract } from './readiness.contract.ts'

readinessContract(async () => {
  const readiness = inMemoryReadiness()
  const address = '10.0.0.1'
  return {
    readiness,
    address,
    play: async answer => {
      readiness.says.delete(address)
      readiness.stored.delete(address)
      if (answer !== undefined) readiness.says.set(address, answer)
      if (answer?.progress !== undefined) readiness.stored.set(address, answer.progress)
    },
  }
})
