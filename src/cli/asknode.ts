// Questions to the node that runs in the data folder, for verbs that only such a node can answer.

import { CodexError } from '../lib/errors.ts'
import { callNode, documentOf, isAnswering, type NodeCall } from './callnode.ts'
import { type Endpoint, readEndpoint } from './endpointfile.ts'
import type { NodeAccess } from './nodeaccess.ts'
import { remoteAccess } from './remoteaccess.ts'
import { dataFolder } from './settings.ts'
import type { Call } from './verb.ts'

/** @returns the document it answers, undefined for none @throws CodexError `node/not-running`, what the node answers with, `node/not-reached` */
export async function askNode<T>(
  { settings, signal }: Call,
  method: NodeCall['method'],
  path: string,
  body?: object,
): Promise<T> {
  const endpoint = await runningEndpoint({ settings, signal })
  const answer = await callNode(endpoint, {
    method,
    path,
    signal,
    ...(body !== undefined && { body: bytesOf(JSON.stringify(body)) }),
  })
  if (answer.statusCode !== 204) return (await documentOf(answer)) as T
  answer.resume()
  return undefined as T
}

/** The node that runs in the data folder. @throws CodexError `node/not-running` */
export async function runningNode(call: Pick<Call, 'settings' | 'signal'>): Promise<NodeAccess> {
  return remoteAccess(await runningEndpoint(call))
}

async function runningEndpoint({ settings, signal }: Pick<Call, 'settings' | 'signal'>): Promise<Endpoint> {
  const folder = await dataFolder(settings)
  const endpoint = await readEndpoint(folder)
  if (endpoint === undefined || !(await isAnswering(endpoint, { signal }))) throw notRunning(folder)
  return endpoint
}

function notRunning(folder: string): CodexError<'node/not-running'> {
  return new CodexError(
    'node/not-running',
    `no node runs in ${folder}: start it with codex-light start, or name its folder with --data-dir`,
    { detail: { folder } },
  )
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}
