import { logContract } from './log-contract.ts'
import { memoryLog } from './memory-log.ts'

logContract(async () => memoryLog({ partitions: 3, replicas: 1 }))
