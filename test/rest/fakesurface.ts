// The REST surface over what a test gives it of a node and its network. Not a test.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { Scope } from '../../src/lib/scope.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { NewsHub } from '../../src/rest/newshub.ts'
import { restApp } from '../../src/rest/restapp.ts'
import type { RestParts } from '../../src/rest/restparts.ts'
import { expectListed } from './expectlisted.ts'

/** What a client asks for, as REST takes it. */
export const PURCHASE = {
  duration: 3600,
  proofProbability: '3',
  pricePerBytePerSecond: '10',
  collateralPerByte: '2',
  expiry: 600,
  nodes: 3,
  tolerance: 1,
}

export interface FakedParts {
  readonly node: object
  readonly network: object
  readonly marketplace?: RestParts['marketplace']
  readonly clock?: RestParts['clock']
}

/** @param below what the rows asked for use of `node` and `network` */
export function fakeParts(below: FakedParts): RestParts {
  const clock = new SystemClock()
  return {
    marketplace: { isWanted: false, parts: () => undefined, waiting: () => undefined, unproven: () => undefined },
    clock,
    ...below,
    log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }),
    hub: new NewsHub(),
    ...{ version: '0', revision: 'abcdef01' },
    background: new Scope({ report: () => undefined }),
  } as unknown as RestParts
}

/** @param below as for {@link fakeParts} @returns asks it, at a path behind `/api/` */
export function fakeSurface(below: FakedParts): (path: string, init: RequestInit) => Promise<Response> {
  const app = restApp(fakeParts(below), [])
  const outgoing = { destroyed: false, once: () => undefined } as unknown as ServerResponse
  return async (path, init) => {
    const request = new Request(`http://localhost/api/${path}`, init)
    const incoming = { setTimeout: () => undefined } as unknown as IncomingMessage
    const answer = await app.fetch(request, { incoming, outgoing: { ...outgoing, ...going(init.signal) } })
    expectListed(request.method, `/api/${path}`, answer.status)
    return answer
  }
}

/** A connection that closes when the signal aborts. */
function going(signal: AbortSignal | null | undefined): Pick<ServerResponse, 'once'> {
  return {
    once(_: string, tell: () => void) {
      signal?.addEventListener('abort', () => tell(), { once: true })
    },
  } as unknown as ServerResponse
}
