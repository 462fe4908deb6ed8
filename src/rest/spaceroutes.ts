// Our own rows for the room that the store has: how it is used, and whether the books are right. Counting everything takes a while, so it answers line by line.

import type { Hono } from 'hono'
import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { signalOf } from './bodyof.ts'
import { jsonLines } from './jsonlines.ts'
import type { RestEnv, RestParts } from './restparts.ts'
import { workLines } from './worklines.ts'

export function spaceRoutes(app: Hono<RestEnv>, parts: RestParts): void {
  const { node } = parts
  let isChecking = false
  app.get('/space', async (c) => c.json(await node.repo.space()))
  app.post('/space/check', (c) => {
    // Whatever changes the store waits for it.
    if (isChecking)
      throw new CodexError('rest/too-many-checks', 'the store is being checked already: ask again when that is done')
    isChecking = true
    const signal = signalOf(c)
    const run = async (): Promise<object> => {
      try {
        return { answer: { problems: await findProblems(parts, { signal }) } }
      } finally {
        isChecking = false
      }
    }
    return jsonLines(c, workLines({ works: 1 }, run))
  })
}

/** Of the store, and of what is sold of it. */
async function findProblems({ node, marketplace }: RestParts, options: AbortOptions): Promise<readonly string[]> {
  const { problems } = await node.repo.recount(options)
  const sold = await marketplace.parts()?.selling?.reservations.check(options)
  return [...problems, ...(sold ?? [])]
}
