/**
 * What the stand-ins for the official images are made of, as data.
 * The same root folders become images for a cluster and file systems for the engines of the `data` tests.
 */

/** Debian 13 brings Postgres 17, Redis 8.0 and OpenJDK 21. */
export const debian = {
  suite: 'trixie',
  mirror: 'http://deb.debian.org/debian',
  packages: ['ca-certificates'],
} as const

export type EngineName = 'kafka' | 'postgres' | 'redis'

/** One engine: its packages on top of Debian, with the paths and numeric user of the official image. */
export interface EngineRecipe {
  /** The image's name: honest about being a stand-in, same version as the official one. */
  reference: string
  /** The official image that this one stands in for. */
  official: string
  user: { name: string; id: number; home: string }
  packages: readonly string[]
  /** Files that must lie there before the packages are installed: path -> text. */
  files: Readonly<Record<string, string>>
  /** Symbolic links: path -> target. */
  links: Readonly<Record<string, string>>
  /** Folders that belong to the user: path -> mode. The first one is where the engine keeps its data. */
  folders: Readonly<Record<string, string>>
  dataFolder: string
  /** Maven coordinates (`group:artifact:version`), copied with all they need to `jarFolder`. */
  jars: readonly string[]
  jarFolder: string
  /** Shell globs of what is removed afterwards because nothing of ours runs it. */
  unused: readonly string[]
  environment: Readonly<Record<string, string>>
  /** What only processes of the image get; it is no part of the root folder, which stays as it is when this changes. */
  imageEnvironment?: Readonly<Record<string, string>>
  /** Default user of the image, as in the official one; empty means root. Pods name a numeric user themselves. */
  imageUser: string
}

const noJars = { jars: [], jarFolder: '' } as const
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Java's archive of the classes a broker loads, at the place where the official image has its own. */
export const kafkaClassArchive = '/opt/kafka/kafka.jsa'

export const engines: Readonly<Record<EngineName, EngineRecipe>> = {
  postgres: {
    reference: 'localhost/stand-in/postgres:17',
    official: 'docker.io/library/postgres:17',
    user: { name: 'postgres', id: 999, home: '/var/lib/postgresql' },
    packages: ['postgresql-17'],
    files: { 'etc/postgresql-common/createcluster.conf': 'create_main_cluster = false\n' },
    links: {},
    folders: { '/var/lib/postgresql/data': '1777', '/var/run/postgresql': '3777' },
    dataFolder: '/var/lib/postgresql/data',
    ...noJars,
    // Without its library Postgres runs as with jit=off; the compiler behind it would be half of the image.
    // Perl serves only Debian's own scripts around Postgres.
    unused: [
      '/usr/lib/*/perl/5*',
      '/usr/lib/*/libperl*',
      '/usr/share/perl/5*',
      '/usr/lib/*/libLLVM*',
      '/usr/lib/*/libz3*',
      '/usr/lib/postgresql/17/lib/bitcode',
      '/usr/lib/postgresql/17/lib/llvmjit*',
    ],
    environment: {
      PATH: `${systemPath}:/usr/lib/postgresql/17/bin`,
      LANG: 'C.UTF-8',
      PGDATA: '/var/lib/postgresql/data',
    },
    imageUser: '',
  },
  redis: {
    reference: 'localhost/stand-in/redis:8.0',
    official: 'docker.io/library/redis:8.0',
    user: { name: 'redis', id: 999, home: '/data' },
    packages: ['redis-server', 'redis-tools'],
    files: {},
    links: {
      '/usr/local/bin/redis-server': '/usr/bin/redis-server',
      '/usr/local/bin/redis-cli': '/usr/bin/redis-cli',
    },
    folders: { '/data': '0755' },
    dataFolder: '/data',
    ...noJars,
    unused: [],
    environment: { PATH: systemPath },
    imageUser: '',
  },
  kafka: {
    reference: 'localhost/stand-in/kafka:4.3.0',
    official: 'docker.io/apache/kafka:4.3.0',
    user: { name: 'appuser', id: 1000, home: '/home/appuser' },
    packages: ['openjdk-21-jre-headless'],
    files: {},
    links: {
      '/opt/java/openjdk': `/usr/lib/jvm/java-21-openjdk-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`,
    },
    folders: { '/var/lib/kafka/data': '0755', '/mnt/shared/config': '0755' },
    dataFolder: '/var/lib/kafka/data',
    jars: [
      'org.apache.kafka:kafka_2.13:4.3.0',
      'org.apache.kafka:kafka-tools:4.3.0',
      'org.slf4j:slf4j-simple:1.7.36',
    ],
    jarFolder: '/opt/kafka/libs',
    // A second archive of Java's classes, for heaps above 32 GiB.
    unused: ['/usr/lib/jvm/*/lib/server/classes_nocoops.jsa'],
    environment: { PATH: `/opt/java/openjdk/bin:${systemPath}`, JAVA_HOME: '/opt/java/openjdk' },
    // A stand-in runs for minutes, beside others on few cores: the second compiler would cost more than it ever gives.
    imageEnvironment: { JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' },
    imageUser: 'appuser',
  },
}

/** The base of our own image: Node and the libraries it loads, nothing else. */
export const node = {
  reference: 'localhost/stand-in/node:24',
  official: 'docker.io/library/node:24-slim',
  environment: { PATH: systemPath },
  program: '/usr/local/bin/node',
  user: { name: 'nonroot', id: 65532, home: '/home/nonroot' },
  libraries: [
    'libc.so.6',
    'libm.so.6',
    'libdl.so.2',
    'libpthread.so.0',
    'libresolv.so.2',
    'libgcc_s.so.1',
    'libstdc++.so.6',
  ],
} as const
