// The rows of REST from which a page draws a node, for a server that shows this node and lets nobody change it: the demo's. No token, and no socket: who may ask
// is for that server to say.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Scope } from '../lib/scope.ts'
import { restApp } from './restapp.ts'
import type { RestParts } from './restparts.ts'

/** Nothing that acts is among them, as `connect` would be, which is read too. */
const SHOWN_ROWS: ReadonlySet<string> = new Set([
  ...['status', 'peers', 'alerts', 'balance', 'availability', 'sales', 'sales/ended', 'decisions', 'earnings'].map(
    (row) => `/api/v1/${row}`,
  ),
  '/api/codex/v1/sales/slots',
])

export interface ShownRest {
  /** @returns whether it answers; what is no row of these is left to others */
  answer(request: IncomingMessage, response: ServerResponse): boolean
  /** Nothing of it runs once settled. */
  stop(): Promise<void>
}

export function showRest(parts: Omit<RestParts, 'background'>): ShownRest {
  const background = new Scope({
    report: (error, task) => parts.log.error('work for a request failed', { task, error }),
  })
  const app = restApp({ ...parts, background }, [])
  const handle = getRequestListener((request, env) => app.fetch(request, env), { overrideGlobalObjects: false })
  return {
    answer(request, response) {
      if (request.method !== 'GET' || !SHOWN_ROWS.has(request.url?.split('?')[0] ?? '')) return false
      handle(request, response).catch(() => response.destroy())
      return true
    },
    stop: () => background.close(),
  }
}
