// A slab file in the origin's private file system (OPFS), as the main thread sees it: every call goes to one worker that holds the file.

import { concatBytes } from '../../lib/bytes.ts'
import { CodexError } from '../../lib/errors.ts'
import { MiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'
import { adjacentRuns } from '../../storage/adjacentruns.ts'
import type { SlabFile, SlabPiece, SlabRange } from '../../storage/slabfile.ts'
import { assertPieces, assertPlace, assertRanges, SlabGate } from '../../storage/slabgate.ts'
import { transfer } from '../../workers/transfer.ts'
import type { WorkerHandle, WorkerSource } from '../../workers/workersource.ts'
import type { OpfsSlabApi } from './opfsslabapi.ts'
import { TrustedWorker as Worker } from './trustedworker.ts'
import { WebWorkers } from './webworkers.ts'

/** Bytes that one message carries, so that neither thread copies for long at a time; one larger piece or range goes alone. */
const MESSAGE_BYTES = 8 * MiB
const MESSAGE_ITEMS = 4096

export interface OpfsSlabFileOptions {
  /** Default: the slab worker beside this file. */
  readonly workers?: WorkerSource<OpfsSlabApi>
  /** Hears why a worker ended, once another one is in its place. */
  readonly replaced?: ((error: CodexError) => void) | undefined
}

interface Parts {
  readonly path: string
  readonly workers: WorkerSource<OpfsSlabApi>
  readonly replaced: (error: CodexError) => void
}

/**
 * When its worker dies another one takes its place, and the call goes on: a tab that sells must not miss its proofs until somebody reloads it. What
 * was written is there, since the file is the browser's and not the worker's. A worker that dies of a call again fails it with `slab/failed`.
 */
export class OpfsSlabFile implements SlabFile {
  readonly #gate = new SlabGate(() => false)
  readonly #parts: Parts
  #worker: WorkerHandle<OpfsSlabApi>
  /** Why the worker is gone. */
  #ended: CodexError | undefined
  #replacing: Promise<void> | undefined

  private constructor(worker: WorkerHandle<OpfsSlabApi>, parts: Parts) {
    this.#worker = worker
    this.#parts = parts
  }

  /**
   * Opens the file at `path`, folders separated by `/`, and makes it where there is none.
   * @throws CodexError `slab/unsupported`, `slab/locked` (another tab or worker holds it), `slab/failed`
   */
  static async open(path: string, options: OpfsSlabFileOptions = {}): Promise<OpfsSlabFile> {
    const { workers = slabWorkers(), replaced = () => undefined } = options
    const worker = workers.spawn()
    try {
      await worker.api.open(path, { create: true })
      return new OpfsSlabFile(worker, { path, workers, replaced })
    } catch (cause) {
      worker.end()
      if (CodexError.is(cause) && cause.code.startsWith('slab/')) throw cause
      throw new CodexError('slab/failed', `expected to open the slab file ${path}; see the cause`, {
        detail: { path },
        cause,
      })
    }
  }

  read(ranges: readonly SlabRange[]): Promise<Uint8Array[]> {
    return this.#gate.run('read', async () => {
      assertRanges(ranges)
      const answers = await Promise.all(
        messages(ranges, ({ length }) => length).map((part) => this.#ask((api) => api.read(part))),
      )
      return answers.flat()
    })
  }

  write(pieces: readonly SlabPiece[]): Promise<void> {
    return this.#gate.run('write', async () => {
      assertPieces(pieces)
      for (const part of messages(pieces, ({ bytes }) => bytes.length)) await this.#send(part)
    })
  }

  flush(): Promise<void> {
    return this.#gate.run('flush', () => this.#ask((api) => api.flush()))
  }

  size(): Promise<Bytes> {
    return this.#gate.run('size', () => this.#ask((api) => api.size()))
  }

  truncate(size: Bytes): Promise<void> {
    return this.#gate.run('truncate', async () => {
      assertPlace(size, 0)
      // Not twice: what is written meanwhile must not be cut off.
      await (await this.#alive()).api.truncate(size)
    })
  }

  /** Also of use when the worker is gone: then there is nothing left to close. */
  close(): Promise<void> {
    return this.#gate.close(async () => {
      try {
        await this.#worker.api.close()
      } catch (error) {
        if (!CodexError.is(error, 'worker/ended')) throw error
      } finally {
        this.#worker.end()
      }
    })
  }

  /** All that is asked so names its places, and may be done twice. */
  async #ask<T>(act: (api: OpfsSlabApi) => Promise<T>): Promise<T> {
    const worker = await this.#alive()
    try {
      return await act(worker.api)
    } catch (error) {
      if (!CodexError.is(error, 'worker/ended')) throw error
      if (this.#worker === worker) this.#ended = error
      return act((await this.#alive()).api)
    }
  }

  async #alive(): Promise<WorkerHandle<OpfsSlabApi>> {
    if (this.#ended !== undefined)
      await (this.#replacing ??= this.#replace(this.#ended).finally(() => (this.#replacing = undefined)))
    return this.#worker
  }

  async #replace(ended: CodexError): Promise<void> {
    const { path, workers, replaced } = this.#parts
    const worker = workers.spawn()
    try {
      // One that has gone meanwhile, the site's data cleared, must not be taken for an empty one.
      await worker.api.open(path, { create: false })
    } catch (error) {
      worker.end()
      throw error
    }
    this.#worker = worker
    this.#ended = undefined
    replaced(ended)
  }

  /** The pieces' bytes are lent, so they travel in one buffer of our own, which moves. */
  async #send(pieces: readonly SlabPiece[]): Promise<void> {
    const lengthOf = ({ bytes }: SlabPiece): Bytes => bytes.length
    const runs = adjacentRuns(pieces, { lengthOf, maxBytes: MESSAGE_BYTES, maxItems: MESSAGE_ITEMS }).map((run) => ({
      offset: run[0]?.offset ?? 0,
      length: run.reduce((sum, piece) => sum + lengthOf(piece), 0),
    }))
    await this.#ask((api) => {
      const gathered = concatBytes(...pieces.map(({ bytes }) => bytes))
      return api.write(runs, transfer(gathered, [gathered.buffer]))
    })
  }
}

function slabWorkers(): WorkerSource<OpfsSlabApi> {
  return new WebWorkers<OpfsSlabApi>({
    create: () => new Worker(new URL('./slabworker.ts', import.meta.url), { type: 'module' }),
    parallelism: 1,
  })
}

/** Splits `items` so that each part is one message within both limits. */
function messages<Item>(items: readonly Item[], lengthOf: (item: Item) => Bytes): Item[][] {
  const parts: Item[][] = []
  let part: Item[] = []
  let bytes = 0
  for (const item of items) {
    if (part.length === 0 || bytes + lengthOf(item) > MESSAGE_BYTES || part.length === MESSAGE_ITEMS) {
      part = []
      parts.push(part)
      bytes = 0
    }
    part.push(item)
    bytes += lengthOf(item)
  }
  return parts
}
