/**
 * The provisioner of `local` volumes: a small process beside the API server of an embedded cluster.
 * Arguments: URL of the API server, folder of certificates, run folder of the cluster.
 *
 * Every change of a claim or a volume, and the passing of half a minute, leads to the same look at everything.
 */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { addonUsers } from './addons.ts'
import { ApiClient, ApiRefused } from './api-client.ts'
import { type Claim, type Volume, volumesToMake, volumesToRemove } from './volume-decisions.ts'

const claimsPath = '/api/v1/persistentvolumeclaims'
const volumesPath = '/api/v1/persistentvolumes'
const watchSeconds = 300
const resyncMs = 30_000
const retryMs = 1_000

const [server, pkiFolder, runFolder] = process.argv.slice(2)
if (!server || !pkiFolder || !runFolder) throw new Error('usage: volumes.ts SERVER PKI_FOLDER RUN_FOLDER')
const clusterFolder = runFolder
const api = ApiClient.withCertificate({ server, pkiFolder, certificate: addonUsers.volumes.name })

const changes = new EventTarget()
const changed = () => changes.dispatchEvent(new Event('change'))
let isStale = true
changes.addEventListener('change', () => {
  isStale = true
})

for (const path of [claimsPath, volumesPath]) void watchForever(path)
for (;;) {
  isStale = false
  const isDone = await provision().then(() => true, report)
  if (!isDone) await pause(retryMs)
  else if (!isStale) await nextChange()
}

async function provision(): Promise<void> {
  const [claims, volumes] = await Promise.all([list<Claim>(claimsPath), list<Volume>(volumesPath)])
  for (const { name, node, object } of volumesToMake(claims, volumes)) {
    await makeFolder(folderOf(node, name))
    await api.call('POST', volumesPath, object).catch(ignoring(409))
    console.log(`made ${name} on ${node}`)
  }
  for (const { name, node } of volumesToRemove(volumes)) {
    await rm(folderOf(node, name), { recursive: true, force: true })
    await api.call('DELETE', `${volumesPath}/${name}`).catch(ignoring(404))
    console.log(`removed ${name} from ${node}`)
  }
}

/** Open to every user: a pod without fsGroup has to be able to write, too. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o777)
}

function folderOf(node: string, name: string): string {
  return join(clusterFolder, node, 'volumes', name)
}

async function list<T>(path: string): Promise<readonly T[]> {
  const { items } = (await api.call('GET', path)) as { items: T[] }
  return items
}

async function watchForever(path: string): Promise<never> {
  for (;;) {
    const query = `?watch=1&timeoutSeconds=${watchSeconds}`
    const signal = AbortSignal.timeout((watchSeconds + 30) * 1_000)
    await api.watch(`${path}${query}`, changed, signal).catch(async cause => {
      report(cause)
      await pause(retryMs)
    })
  }
}

function nextChange(): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, resyncMs)
    changes.addEventListener(
      'change',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}

function ignoring(status: number): (cause: unknown) => void {
  return cause => {
    if (!(cause instanceof ApiRefused && cause.status === status)) throw cause
  }
}

function report(cause: unknown): false {
  console.error(new Date().toISOString(), cause instanceof Error ? cause.message : cause)
  return false
}
