// The laws of the WorkerSource seam. Run against every implementation, each in its own runtime.

import { afterEach, describe, expect, test } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { transfer } from '../../src/workers/transfer.ts'
import type { WorkerHandle, WorkerSource } from '../../src/workers/workersource.ts'
import type { EdgeApi } from '../children/edgeapi.ts'

export interface WorkersSetup {
  /** Workers that run `test/children/edgeapi.ts`. */
  readonly working: () => Promise<WorkerSource<EdgeApi>>
  /** Workers whose script is not there. */
  readonly broken: () => Promise<WorkerSource<EdgeApi>>
}

export function workersSuite(name: string, setup: WorkersSetup): void {
  describe(`${name} as a WorkerSource`, () => {
    const handles: WorkerHandle<EdgeApi>[] = []
    const spawn = async (make = setup.working): Promise<WorkerHandle<EdgeApi>> => {
      const handle = (await make()).spawn()
      handles.push(handle)
      return handle
    }
    afterEach(async () => {
      for (const handle of handles) handle.end()
      await Promise.all(handles.splice(0).map((handle) => handle.closed))
    })

    test('offers at least one worker', async () => {
      expect((await setup.working()).parallelism).toBeGreaterThanOrEqual(1)
    })
    calls(spawn)
    errors(spawn)
    endings(spawn, () => spawn(setup.broken))
  })
}

type Spawn = () => Promise<WorkerHandle<EdgeApi>>

function calls(spawn: Spawn): void {
  test('answers calls in whatever order they finish, big integers included', async () => {
    const { api } = await spawn()
    const values = [1, 'two', 3n ** 99n, null, undefined, [1, { deep: new Uint8Array([1, 2]) }]]
    expect(await Promise.all(values.map((value) => api.echo(value)))).toEqual(values)
  })

  test('copies bytes by default: the caller keeps its own', async () => {
    const { api } = await spawn()
    const bytes = new Uint8Array(1 << 20).fill(3)
    expect(await api.sum(bytes)).toBe(3 << 20)
    expect(bytes.byteLength).toBe(1 << 20)
    expect(bytes[77]).toBe(3)
  })

  test('moves bytes that are marked, both ways', async () => {
    const { api } = await spawn()
    const bytes = new Uint8Array(1 << 16).fill(1)
    const answer = api.sum(transfer(bytes, [bytes.buffer]))
    expect(bytes.byteLength).toBe(0)
    expect(await answer).toBe(1 << 16)

    expect(await api.makeBytes(5, 9)).toEqual(new Uint8Array(5).fill(9))
    expect(await api.isGone()).toBe(true)
  })

  test('the api can pass through an await without being called', async () => {
    const { api } = await spawn()
    expect(await Promise.resolve(api)).toBe(api)
  })
}

function errors(spawn: Spawn): void {
  test('carries code, detail, message and causes of a typed error', async () => {
    const { api } = await spawn()
    const error = await rejection(api.failTyped())
    expect(error).toMatchObject({ code: 'outer/broken', message: 'the outside' })
    expect(error.detail).toEqual({ wei: 12345678901234567890n, name: 'x' })
    const middle = error.cause
    expect(CodexError.is(middle, 'inner/broken') && middle.detail).toEqual({ size: 2n ** 70n })
    const root = (middle as Error).cause
    expect(root).toMatchObject({ name: 'TypeError', message: 'the root' })
  })

  test('turns any other error into worker/failed with message and stack', async () => {
    const { api } = await spawn()
    const error = await rejection(api.failPlain())
    expect(error.code).toBe('worker/failed')
    expect(error.detail).toMatchObject({ name: 'RangeError', message: 'out of range' })
    expect(String(error.detail['stack'])).toContain('RangeError')
  })

  test('settles calls that cannot cross the edge or have no function there', async () => {
    const { api } = await spawn()
    expect((await rejection(api.echo(() => 1))).code).toBe('worker/failed')
    expect((await rejection(api.answerFunction())).code).toBe('worker/failed')
    const unknown = (api as unknown as { nothing(): Promise<void> }).nothing()
    expect((await rejection(unknown)).code).toBe('worker/failed')
    expect(await api.echo('still there')).toBe('still there')
  })
}

function endings(spawn: Spawn, spawnBroken: Spawn): void {
  test('end() rejects open and later calls; a second end() changes nothing', async () => {
    const worker = await spawn()
    await worker.api.echo(1)
    const open = [rejection(worker.api.hang()), rejection(worker.api.hang())]
    worker.end()
    worker.end()
    expect((await Promise.all(open)).map((error) => error.code)).toEqual(['worker/ended', 'worker/ended'])
    await worker.closed
    worker.end()
    expect((await rejection(worker.api.echo(1))).code).toBe('worker/ended')
  })

  test('a worker that crashes rejects its open calls and says why', async () => {
    const worker = await spawn()
    const open = rejection(worker.api.hang())
    const crash = worker.api.crash().catch(() => undefined)
    const error = await open
    expect(error.code).toBe('worker/ended')
    expect(error.message).toContain('crashed on purpose')
    await worker.closed
    await crash
    expect((await rejection(worker.api.echo(1))).code).toBe('worker/ended')
  })

  test('a worker that cannot load rejects its calls', async () => {
    const worker = await spawnBroken()
    expect((await rejection(worker.api.echo(1))).code).toBe('worker/ended')
    await worker.closed
  })
}

async function rejection(promise: Promise<unknown>): Promise<CodexError> {
  const error = await promise.then(
    (value) => expect.unreachable(`expected a rejection, found ${String(value)}`),
    (reason: unknown) => reason,
  )
  if (!CodexError.is(error)) throw error
  return error
}
