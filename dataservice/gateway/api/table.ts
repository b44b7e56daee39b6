/**
 * The shape of the gateway's table of routes. The router and the API document are both made from it, so neither can
 * know a call that the other does not.
 */
import type { FastifyInstance } from 'fastify'
import type { GatewayRules } from '#dataservice/contract/gateway-rules.ts'
import type { AcceptedRecord, RecordDeclaration } from '#dataservice/contract/record-declaration.ts'
import type { ProblemCode } from '#dataservice/platform/http/problems.ts'
import {
  type FewerMethods,
  type Method,
  type MethodHandler,
  resource,
} from '#dataservice/platform/http/resource.ts'

/** An object of the OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>

/** What the document of one service follows from. */
export interface ServiceFacts {
  namespace: string
  name: string
  declaration: RecordDeclaration
  record: AcceptedRecord
  /** Who may call; absent: everybody. */
  rules?: GatewayRules
  /** Records can be replaced, patched and deleted. */
  isChanging: boolean
}

/** One call as the document tells it. */
export interface Operation {
  operationId: string
  summary: string
  description?: string
  /** Heading under which the call stands. */
  tag: string
  parameters?: readonly Json[]
  requestBody?: Json
  /** Answers that are no problem, by status. */
  answers: Readonly<Record<string, Json>>
  /** What can go wrong beside what can go wrong with every call (`commonProblems`). */
  problems?: readonly ProblemCode[]
}

/** A method of a route: who answers, and what the document says of it. */
export interface RouteMethod {
  handler: MethodHandler
  /**
   * By path of the document, `/data/{id}` for example: usually one; several where one pattern serves them all; none
   * for what belongs to a page and is no call of its own.
   */
  operations: Readonly<Record<string, (facts: ServiceFacts) => Operation>>
}

export interface Route {
  /** Pattern of the router. */
  url: string
  methods: Partial<Record<Method, RouteMethod>>
  fewer?: FewerMethods
}

/** Registers every route of the table. */
export function register(app: FastifyInstance, table: readonly Route[]): void {
  for (const { url, methods, fewer } of table) {
    const handlers = Object.entries(methods).map(([method, { handler }]) => [method, handler] as const)
    resource(app, url, Object.fromEntries(handlers), fewer)
  }
}
