/** A URL and all its methods at once, so that every other method answers 405 with `Allow`. */
import type { FastifyInstance, FastifyRequest, RouteHandlerMethod, RouteShorthandOptions } from 'fastify'
import { Problem } from './problems.ts'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
export type Method = (typeof methods)[number]

/** A handler, or one with options such as hooks of its own. */
export type MethodHandler = RouteHandlerMethod | (RouteShorthandOptions & { handler: RouteHandlerMethod })

/** Methods that a URL has which a pattern of more methods takes in; undefined when it has all of them. */
export type FewerMethods = (url: string) => readonly string[] | undefined

/** Registers a URL. Fastify answers HEAD by the handler of GET. */
export function resource(
  app: FastifyInstance,
  url: string,
  handlers: Partial<Record<Method, MethodHandler>>,
  fewer: FewerMethods = () => undefined,
): void {
  const present = methods.filter(method => handlers[method] !== undefined)
  const allow: string[] = present.flatMap(method => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  for (const [method, handler] of Object.entries(handlers)) {
    const options = typeof handler === 'function' ? { handler } : handler
    app.route({ ...options, method, url })
  }
  const others = app.supportedMethods.filter(method => !allow.includes(method))
  const refuse = async ({ raw }: FastifyRequest) => {
    throw new Problem('method-not-allowed', { allow: fewer(raw.url ?? '') ?? allow })
  }
  // Refused before a body is read.
  app.route({ method: others, url, onRequest: refuse, handler: refuse })
}
