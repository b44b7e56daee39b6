/**
 * CRDs of other projects, as they publish them: brought once through the registry of their language, checked, and kept
 * outside the checkout.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from '#tools/lock.ts'
import { step } from '#tools/progress.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { generateDefinitions } from './maven.ts'
import { copyFromModule } from './modules.ts'

interface Source {
  version: string
  /** The files, by their SHA-256. */
  files: Readonly<Record<string, string>>
  /** Puts the files into an empty folder. */
  bring: (version: string, folder: string) => Promise<void>
}

const sources = {
  'cloudnative-pg': {
    version: 'v1.30.0',
    files: {
      'postgresql.cnpg.io_clusters.yaml': 'ae47f4a00f6e998faef57e480f9a3960cd48ea16a79270861fc7442601507472',
    },
    bring: (version, folder) =>
      copyFromModule(
        `github.com/cloudnative-pg/cloudnative-pg@${version}`,
        ['config/crd/bases/postgresql.cnpg.io_clusters.yaml'],
        folder,
      ),
  },
  strimzi: {
    version: '1.2.0',
    files: {
      'kafkatopics.yaml': '36390f0731c699448076d4ee739e8b7f331d083e91a7fb71500aaa830ab1127e',
      'kafkausers.yaml': 'c7e91b9b027a516b43dc7d369e781ee23a6ea177ae15fe0c33af6f722e26e05f',
    },
    bring: (version, folder) =>
      generateDefinitions(
        {
          jars: [`io.strimzi:crd-generator:${version}`, `io.strimzi:api:${version}`],
          generator: 'io.strimzi.crdgenerator.CrdGenerator',
          options: [
            ...['--label', 'app:strimzi', '--label', 'strimzi.io/crd-install:true'],
            ...[
              '--target-kube',
              '1.16+',
              '--crd-api-version',
              'v1',
              '--api-versions',
              'v1',
              '--storage-version',
              'v1',
            ],
          ],
          classes: {
            'kafkatopics.yaml': 'io.strimzi.api.kafka.model.topic.KafkaTopic',
            'kafkausers.yaml': 'io.strimzi.api.kafka.model.user.KafkaUser',
          },
        },
        folder,
      ),
  },
  'cert-manager': {
    version: 'v1.21.2',
    files: {
      'cert-manager.io_certificates.yaml': '7ad91029c00ec959d54215b19d3b1a9b7e0247eaa60f987151c2b70d8661f8af',
      'cert-manager.io_issuers.yaml': '05e37efb02777e0362d24269fa103c2fc11419f9c85e31854ef873e5d9e5c5cc',
    },
    bring: (version, folder) =>
      copyFromModule(
        `github.com/cert-manager/cert-manager@${version}`,
        ['deploy/crds/cert-manager.io_certificates.yaml', 'deploy/crds/cert-manager.io_issuers.yaml'],
        folder,
      ),
  },
  keda: {
    version: 'v2.21.0',
    files: {
      'keda.sh_scaledobjects.yaml': 'af35555862a83933b074af14ad439c4b4ceabaf4daa3e9338e9b23e36d308d80',
      'keda.sh_triggerauthentications.yaml':
        'ed59ab37b2fa9a18119484a3dbd849b0b18ed25e1aea91d9f1305d4da2215bd8',
    },
    bring: (version, folder) =>
      copyFromModule(
        `github.com/kedacore/keda/v2@${version}`,
        [
          'config/crd/bases/keda.sh_scaledobjects.yaml',
          'config/crd/bases/keda.sh_triggerauthentications.yaml',
        ],
        folder,
      ),
  },
  istio: {
    version: 'v1.31.1',
    files: {
      'customresourcedefinitions.gen.yaml':
        'c0ad59e008658765412badb836e73a523a355e3d792a32ad3c0711a728be5aff',
    },
    bring: (version, folder) =>
      copyFromModule(`istio.io/api@${version}`, ['kubernetes/customresourcedefinitions.gen.yaml'], folder),
  },
} as const satisfies Record<string, Source>

export type DefinitionSet = keyof typeof sources

/** Answers the files with the CRDs; brings them when they are not cached. */
export async function ensureDefinitions(name: DefinitionSet): Promise<string[]> {
  const source: Source = sources[name]
  const parent = cacheFolder('definitions')
  const folder = join(parent, `${name}-${source.version}`)
  if (!existsSync(folder)) {
    await withLock(join(parent, 'fetch.lock'), async () => {
      if (!existsSync(folder)) await bring(name, source, folder)
    })
  }
  return Object.keys(source.files).map(file => join(folder, file))
}

async function bring(name: string, { version, files, bring }: Source, folder: string): Promise<void> {
  step(`fetching the CRDs of ${name} ${version}`)
  const unfinished = await mkdtemp(`${folder}.unfinished-`)
  try {
    await bring(version, unfinished)
    for (const [file, expected] of Object.entries(files)) {
      const found = createHash('sha256')
        .update(await readFile(join(unfinished, file)))
        .digest('hex')
      if (found !== expected) throw new Error(`${file} of ${name} ${version} is ${found}, not ${expected}`)
    }
    await rename(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}
