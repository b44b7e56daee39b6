/** Answers judged by the API document of the service that gave them. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { expect } from 'vitest'

/** The parts of an OpenAPI document that tests look into. */
export interface ApiDocument {
  paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>
  components: { schemas: Readonly<Record<string, unknown>> }
}

interface ApiOperation {
  description?: string
  parameters: readonly { name: string; in: string }[]
  requestBody: { content: Readonly<Record<string, { example?: string }>> }
  responses: Readonly<Record<string, { content?: Readonly<Record<string, unknown>> } | undefined>>
}

export interface Answer {
  status: number
  contentType: string
  body: string
}

/** The schema that a JSON Pointer of the document leads to, ready to check values. */
export type SchemaAt = (pointer: string) => ValidateFunction | undefined

export function schemasOf(document: ApiDocument): SchemaAt {
  const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, 'document')
  return pointer => ajv.getSchema(`document#${encodeURI(pointer)}`)
}

/** Expects that the document tells of this answer: its status, its content type, and the shape of its body. */
export function expectDocumented(document: ApiDocument, path: string, method: string, answer: Answer): void {
  const { status, body } = answer
  const [type = ''] = answer.contentType.split(';')
  const operation = document.paths[path]?.[method]
  expect(Object.keys(operation?.responses[status]?.content ?? {}), `${method} ${path} ${status}`).toContain(
    type,
  )
  const steps = ['paths', path, method, 'responses', `${status}`, 'content', type, 'schema']
  const check = schemasOf(document)(steps.map(step => `/${step.replaceAll('/', '~1')}`).join(''))
  const value: unknown = type.endsWith('json') ? JSON.parse(body) : body
  expect([check?.(value), check?.errors], `${method} ${path} ${status}`).toEqual([true, null])
}
