/** In which version of the record schema a request is: the header `Schema-Version`, else the newest. */
import type { IncomingHttpHeaders } from 'node:http'
import { Counter, type Registry } from 'prom-client'
import type { AcceptedRecord, DeclaredVersion } from '#dataservice/contract/record-declaration.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { SharedHeaders } from '#dataservice/platform/kafka/port.ts'
import { type ChangeHeaders, changeHeaders, constantHeaders } from './event-headers.ts'

const versionHeader = 'schema-version'

/** How records of one version are judged, and what goes with them into the log. */
export interface VersionRules {
  /** `check` is that of the version. */
  record: AcceptedRecord
  constantHeaders: SharedHeaders
  /** Of commands that change records. */
  commands: ChangeHeaders
  /** Absent: it is the newest version. */
  old?: {
    /** Value of `Deprecation` (RFC 9745). */
    deprecation: string
    /** Counts a request. */
    count(): void
  }
}

export type Versions = ReadonlyMap<string, VersionRules>

export interface VersionsOptions {
  record: AcceptedRecord
  /** With the times from which on they are old. */
  declared?: readonly (Pick<DeclaredVersion, 'name'> & { deprecatedSince?: number })[] | undefined
  source: string
  /** Milliseconds since 1970: stands for a time that nobody told. */
  now: number
  metrics: Registry
}

const dayMs = 86_400_000

/** What a posted record is judged by: the newest version, unless a request names another. */
export interface PostingRules {
  record: AcceptedRecord
  /** Headers that all records share. */
  constantHeaders: SharedHeaders
  /** All versions that records may be in; the above is of the newest. */
  versions: Versions
}

export function postingRules(options: VersionsOptions): PostingRules {
  const { record, source } = options
  return {
    record,
    constantHeaders: constantHeaders(source, record.schemaVersion),
    versions: versionsOf(options),
  }
}

/** All versions that are accepted, encoded once. */
function versionsOf({ record, declared = [], source, now, metrics }: VersionsOptions): Versions {
  const requests = new Counter({
    name: 'dataservice_gateway_old_version_requests_total',
    help: 'Requests whose records are of a schema version that is not the newest.',
    labelNames: ['version'],
    registers: [metrics],
  })
  const today = (now - (now % dayMs)) / 1_000
  return new Map(
    record.versions.map(({ name, check }): [string, VersionRules] => {
      const since = declared.find(each => each.name === name)?.deprecatedSince ?? today
      return [
        name,
        {
          record: { ...record, schemaVersion: name, check },
          constantHeaders: constantHeaders(source, name),
          commands: changeHeaders(source, name),
          ...(name !== record.schemaVersion && {
            old: { deprecation: `@${since}`, count: () => requests.inc({ version: name }) },
          }),
        },
      ]
    }),
  )
}

type Named = IncomingHttpHeaders

/** The version that a request names; undefined when it names none. Throws a Problem for one that there is not. */
export function versionNamed(headers: Named, versions: Versions): VersionRules | undefined {
  const name = headers[versionHeader]
  if (name === undefined) return undefined
  const version = versions.get(String(name))
  if (version) return version
  const named = JSON.stringify(String(name).slice(0, 64))
  const known = [...versions.keys()].join(', ')
  throw new Problem('unsupported-header', {
    detail: `Schema-Version ${named} is not accepted here; accepted are ${known}, and the last of them without the header.`,
  })
}

/** The rules for the version that a request names. Throws a Problem for one that there is not. */
export function rulesFor<Rules extends PostingRules>(headers: Named, rules: Rules): Rules {
  const version = versionNamed(headers, rules.versions)
  if (version === undefined) return rules
  return { ...rules, record: version.record, constantHeaders: version.constantHeaders }
}
