/** What the document says of itself. Pure. */
import { json } from './schemas.ts'
import type { Operation } from './table.ts'

export function getDocument(): Operation {
  return {
    operationId: 'getOpenApi',
    tag: 'about',
    summary: 'This document',
    answers: { 200: json('OpenAPI 3.1.', { type: 'object' }) },
  }
}

export function getPage(): Operation {
  const content = { 'text/html': { schema: { type: 'string' } } }
  return {
    operationId: 'getDocs',
    tag: 'about',
    summary: 'This document as a page',
    answers: { 200: { description: 'A page that needs nothing from elsewhere.', content } },
  }
}
