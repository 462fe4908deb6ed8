// Our own rows for the slots in the store: the verbs protect, slots and proof-input of a running node. Work that takes long answers line by line, and ends when
// whoever asked has gone.

import type { Hono } from 'hono'
import { CodexError } from '../lib/errors.ts'
import { parseCid } from '../protocol/cid.ts'
import { signalOf } from './bodyof.ts'
import { jsonLines } from './jsonlines.ts'
import { wholeNumber } from './wholenumber.ts'
import type { RestContext, RestEnv, RestParts } from './restparts.ts'
import { slotsDesk, type SlotsJob } from './slotsdesk.ts'
import { workLines } from './worklines.ts'

/** They share the node's threads with what it proves: more at once would only take longer, and hold more in memory. */
const MAX_WORKS = 2

export function slotRoutes(app: Hono<RestEnv>, { node }: RestParts): void {
  const desk = slotsDesk(node)
  let works = 0
  const worked = (c: RestContext, work: (job: SlotsJob) => Promise<object>): Promise<Response> => {
    if (works >= MAX_WORKS)
      throw new CodexError(
        'rest/too-many-works',
        `expected at most ${MAX_WORKS} works on slots at once: ask again when one of them is done`,
        { detail: { limit: MAX_WORKS } },
      )
    works++
    const signal = signalOf(c)
    const run = async (tell: (line: object) => void): Promise<object> => {
      try {
        const progress: SlotsJob['progress'] = ({ stage, doneBytes, totalBytes }) =>
          tell({ progress: { stage, doneBytes, totalBytes } })
        return { answer: await work({ signal, progress }) }
      } finally {
        works--
      }
    }
    return jsonLines(c, workLines({ works }, run))
  }
  app.get('/slots', (c) => jsonLines(c, desk.list({ signal: signalOf(c) })))
  app.get('/datasets/:cid/slots', async (c) => c.json(await desk.show(cidOf(c), { signal: signalOf(c) })))
  app.post('/datasets/:cid/protect', (c) => {
    const [cid, nodes, tolerance] = [cidOf(c), needed(c, 'nodes'), needed(c, 'tolerance')]
    return worked(c, (job) => desk.protect(cid, { nodes, tolerance }, job))
  })
  for (const verb of ['build', 'verify', 'repair'] as const)
    app.post(`/datasets/:cid/slots/${verb}`, (c) => {
      const [cid, index] = [cidOf(c), wholeNumber('index', c.req.query('index'))]
      return worked(c, (job) => desk[verb](cid, index, job))
    })
  app.get('/datasets/:cid/slots/:index/proof-input', async (c) => {
    const index = wholeNumber('index', c.req.param('index')) ?? 0
    const challenge = c.req.query('challenge') ?? ''
    return c.json(await desk.proofInput(cidOf(c), index, challenge, { signal: signalOf(c) }))
  })
}

function cidOf(c: RestContext) {
  return parseCid(c.req.param('cid') ?? '')
}

function needed(c: RestContext, name: string): number {
  const value = wholeNumber(name, c.req.query(name))
  if (value !== undefined) return value
  throw new CodexError('rest/bad-number', `${name}: expected a whole number, found none`, { detail: { field: name } })
}
