// The slots of a running node as verbs see them: each question as a request to it.

import type { SlotsDesk, SlotsJob, SlotsState } from '../rest/slotsdesk.ts'
import type { AbortOptions } from '../lib/abort.ts'
import { callNode, documentOf, errorIn, linesOf } from './callnode.ts'
import type { Endpoint } from './endpointfile.ts'

export function remoteSlots(endpoint: Endpoint): SlotsDesk {
  const work = async <T>(path: string, { signal, progress }: SlotsJob): Promise<T> => {
    const response = await callNode(endpoint, { method: 'POST', path, signal })
    for await (const line of linesOf(response)) {
      const { progress: state, answer, error } = line as WorkLine
      if (state !== undefined) progress(state)
      if (error !== undefined) throw errorIn(error)
      if (answer !== undefined) return answer as T
    }
    throw errorIn(undefined)
  }
  const ask = async <T>(path: string, { signal }: AbortOptions): Promise<T> =>
    (await documentOf(await callNode(endpoint, { method: 'GET', path, signal }))) as T
  const of = (index: number | undefined): string => (index === undefined ? '' : `?index=${index}`)
  return {
    protect: (cid, { nodes, tolerance }, job) =>
      work(`datasets/${cid}/protect?nodes=${nodes}&tolerance=${tolerance}`, job),
    build: (cid, index, job) => work(`datasets/${cid}/slots/build${of(index)}`, job),
    verify: (cid, index, job) => work(`datasets/${cid}/slots/verify${of(index)}`, job),
    repair: (cid, index, job) => work(`datasets/${cid}/slots/repair${of(index)}`, job),
    async *list({ signal }) {
      const response = await callNode(endpoint, { method: 'GET', path: 'slots', signal })
      for await (const line of linesOf(response)) yield line as Listed
    },
    show: (cid, options) => ask(`datasets/${cid}/slots`, options),
    proofInput: (cid, index, challenge, options) =>
      ask(`datasets/${cid}/slots/${index}/proof-input?challenge=${challenge}`, options),
  }
}

type Listed = SlotsDesk['list'] extends (...args: never[]) => AsyncIterable<infer Row> ? Row : never

interface WorkLine {
  readonly progress?: SlotsState
  readonly answer?: unknown
  readonly error?: unknown
}
