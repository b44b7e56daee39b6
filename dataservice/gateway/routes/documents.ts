/** `/openapi.json` and the page `/docs`, which shows it and needs nothing from elsewhere. */
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import { type Asset, type DocsAsset, docsAssets, packed } from '#dataservice/platform/http/docs-assets.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { MethodHandler } from '#dataservice/platform/http/resource.ts'
import { getDocument, getPage } from '../api/about-operations.ts'
import { apiDocument } from '../api/document.ts'
import type { Json, Route, ServiceFacts } from '../api/table.ts'

export interface DocumentPorts {
  facts: ServiceFacts
  asset(name: DocsAsset): Promise<Asset>
  /** The whole table, these routes too. */
  table(): readonly Route[]
}

/** Nothing but this page's own files; the page writes style attributes, never scripts. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const pageHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** A script of its own: the policy above runs none that stands in the page. */
const startScript = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#page',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
})
`

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<main id="page"></main>
<noscript>This page needs scripts; the document itself is at <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

/** The routes of the document. */
export function documentRoutes(ports: DocumentPorts): Route[] {
  const document = once(() => made('application/json', JSON.stringify(documentOf(ports))))
  const html = once(() => made('text/html; charset=utf-8', page))
  const script = once(() => made('text/javascript; charset=utf-8', startScript))
  const file = async (request: FastifyRequest, reply: FastifyReply) => {
    const name = (request.raw.url ?? '').split('?')[0]?.slice('/docs/'.length) ?? ''
    if (name === 'start.js') return send(request, reply, await script())
    if (!isAsset(name)) throw new Problem('not-found')
    return send(request, reply, await ports.asset(name))
  }
  return [
    {
      url: '/openapi.json',
      methods: {
        GET: {
          handler: forAll(async (request, reply) => send(request, reply, await document())),
          operations: { '/openapi.json': getDocument },
        },
      },
    },
    {
      url: '/docs',
      methods: {
        GET: {
          handler: forAll(async (request, reply) => send(request, reply, await html())),
          operations: { '/docs': getPage },
        },
      },
    },
    { url: '/docs/*', methods: { GET: { handler: forAll(file), operations: {} } } },
  ]
}

/** No record stands here, so callers that see only their own may read it, too. */
const forAll = (handler: RouteHandlerMethod): MethodHandler => ({ config: { ownRecords: true }, handler })

const documentOf = ({ table, facts }: DocumentPorts): Json => apiDocument(table(), facts)
const isAsset = (name: string): name is DocsAsset => Object.hasOwn(docsAssets, name)

async function made(type: string, text: string): Promise<Asset> {
  const plain = Buffer.from(text)
  return { type, plain, ...(await packed(plain)) }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Answers an asset, compressed where the client takes it, or 304 where it has it. */
function send(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  const { 'if-none-match': known, 'accept-encoding': accepted } = request.headers
  const isCompressed = /\bgzip\b(?!\s*;\s*q=0(\.0*)?(\s|,|$))/.test(String(accepted ?? ''))
  // A compressed form is another one: its tag must differ.
  const etag = isCompressed ? asset.etag.replace(/"$/, '-gzip"') : asset.etag
  reply.headers({ ...pageHeaders, etag, 'cache-control': 'no-cache', vary: 'accept-encoding' })
  if (known?.split(/\s*,\s*/).includes(etag)) return reply.code(304).send()
  if (isCompressed) reply.header('content-encoding', 'gzip')
  return reply.header('content-type', asset.type).send(isCompressed ? asset.gzip : asset.plain)
}
