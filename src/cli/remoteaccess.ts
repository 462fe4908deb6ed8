// A running node as verbs see it: each of their questions as a request to it.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes } from '../lib/units.ts'
import { parseCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { decodeManifest } from '../protocol/manifestcodec.ts'
import { callNode, documentOf, errorIn, linesOf, piecesOf } from './callnode.ts'
import type { Endpoint } from './endpointfile.ts'
import { remoteSlots } from './remoteslots.ts'
import type { FetchState, ListedDataset, NodeAccess, PeersReport, SpaceReport } from './nodeaccess.ts'

export function remoteAccess(endpoint: Endpoint): NodeAccess {
  const ask = async <T>(method: 'GET' | 'POST' | 'DELETE', path: string, { signal }: AbortOptions): Promise<T> =>
    (await documentOf(await callNode(endpoint, { method, path, signal }))) as T
  return {
    slots: remoteSlots(endpoint),
    space: (options) => ask<SpaceReport>('GET', 'space', options),
    async check({ signal }) {
      const response = await callNode(endpoint, { method: 'POST', path: 'space/check', signal })
      for await (const line of linesOf(response)) {
        const { answer, error } = line as CheckLine
        if (error !== undefined) throw errorIn(error)
        if (answer !== undefined) return answer.problems
      }
      throw errorIn(undefined)
    },
    async *list({ signal }) {
      const response = await callNode(endpoint, { method: 'GET', path: 'datasets', signal })
      for await (const line of linesOf(response)) yield listed(line as ListedLine)
    },
    async upload(source, { filename, mimetype, signal, progress }) {
      const path = `datasets?${query({ filename, mimetype })}`
      const body = counted(source, progress)
      const answer = (await documentOf(await callNode(endpoint, { method: 'POST', path, body, signal }))) as Stored
      const { cid, manifest, blocks, expiry } = answer
      return { cid: parseCid(cid), manifest: manifestIn(manifest), blocks, expiry: expiry ?? undefined }
    },
    async manifest(cid, options) {
      return manifestIn((await ask<{ manifest: string }>('GET', `datasets/${cid}/manifest`, options)).manifest)
    },
    async *read(cid, { offset, length, signal }) {
      const path = `datasets/${cid}/content?${query({ offset: String(offset), length: String(length) })}`
      yield* piecesOf(await callNode(endpoint, { method: 'GET', path, signal }))
    },
    async block(cid, { stallSeconds, signal }) {
      const parts: Uint8Array[] = []
      const stall = stallSeconds === undefined ? '' : `?${query({ stall: String(stallSeconds) })}`
      const response = await callNode(endpoint, { method: 'GET', path: `blocks/${cid}${stall}`, signal })
      for await (const piece of piecesOf(response)) parts.push(piece)
      return Buffer.concat(parts)
    },
    async remove(cid, options) {
      const { outcome } = await ask<{ outcome: 'removed' | 'absent' | 'in use' }>('DELETE', `datasets/${cid}`, options)
      return outcome
    },
    async fetch(cid, { stallSeconds, progress, signal }) {
      const path = `datasets/${cid}/fetch?${query({ stall: String(stallSeconds) })}`
      const response = await callNode(endpoint, { method: 'POST', path, signal })
      for await (const line of linesOf(response)) {
        const { progress: state, manifest, error } = line as FetchLine
        if (state !== undefined) progress(state)
        if (error !== undefined) throw errorIn(error)
        if (manifest !== undefined) return manifestIn(manifest)
      }
      throw errorIn(undefined)
    },
    peers: (options) => ask<PeersReport>('GET', 'peers', options),
    async connect(peer, options) {
      return (await ask<{ peerId: string }>('POST', `peers?${query({ address: peer })}`, options)).peerId
    },
  }
}

interface Stored {
  readonly cid: string
  readonly manifest: string
  readonly blocks: number
  readonly expiry: number | null
}

interface ListedLine {
  readonly cid: string
  readonly manifest?: string
  readonly error?: unknown
}

interface CheckLine {
  readonly answer?: { readonly problems: readonly string[] }
  readonly error?: unknown
}

interface FetchLine {
  readonly progress?: FetchState
  readonly manifest?: string
  readonly error?: unknown
}

function listed({ cid, manifest, error }: ListedLine): ListedDataset {
  if (manifest === undefined) return { cid: parseCid(cid), manifest: undefined, error: errorIn(error) }
  return { cid: parseCid(cid), manifest: manifestIn(manifest) }
}

function manifestIn(base64: string): Manifest {
  return decodeManifest(new Uint8Array(Buffer.from(base64, 'base64')))
}

function query(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(given).toString()
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  progress: (doneBytes: Bytes) => void,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0
  for await (const piece of source) {
    yield piece
    bytes += piece.length
    progress(bytes)
  }
}
