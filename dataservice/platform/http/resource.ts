/** A URL and all its methods at once, so that every other method answers 405 with `Allow`. */
import type { FastifyInstance, RouteHandlerMethod, RouteShorthandOptions } from 'fastify'
import { Problem } from './problems.ts'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
export type Method = (typeof methods)[number]

/** A handler, or one with options such as hooks of its own. */
export type MethodHandler = RouteHandlerMethod | (RouteShorthandOptions & { handler: RouteHandlerMethod })

/** Registers a URL. Fastify answers HEAD by the handler of GET. */
export function resource(
  app: FastifyInstance,
  url: string,
  handlers: Partial<Record<Method, MethodHandler>>,
): void {
  const present = methods.filter(method => handlers[method] !== undefined)
  const allow: string[] = present.flatMap(method => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  for (const [method, handler] of Object.entries(handlers)) {
    const options = typeof handler === 'function' ? { handler } : handler
    app.route({ ...options, method, url })
  }
  const others = app.supportedMethods.filter(method => !allow.includes(method))
  const refuse = async () => {
    throw new Problem('method-not-allowed', { allow })
  }
  // Refused before a body is read.
  app.route({ method: others, url, onRequest: refuse, handler: refuse })
}
