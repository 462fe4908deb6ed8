// A slab file in the origin's private file system (OPFS), as the main thread sees it: every call goes to one worker that holds the file.

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
}

/** When its worker dies, every call rejects with `slab/failed`; the file itself is fine and can be opened anew after `close`. */
export class OpfsSlabFile implements SlabFile {
  readonly #gate = new SlabGate(() => false)
  readonly #worker: WorkerHandle<OpfsSlabApi>

  private constructor(worker: WorkerHandle<OpfsSlabApi>) {
    this.#worker = worker
  }

  /**
   * Opens the file at `path`, folders separated by `/`, and makes it where there is none.
   * @throws CodexError `slab/unsupported`, `slab/locked` (another tab or worker holds it), `slab/failed`
   */
  static async open(path: string, options: OpfsSlabFileOptions = {}): Promise<OpfsSlabFile> {
    const workers = options.workers ?? slabWorkers()
    const worker = workers.spawn()
    try {
      await worker.api.open(path)
      return new OpfsSlabFile(worker)
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
        messages(ranges, ({ length }) => length).map((part) => this.#worker.api.read(part)),
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
    return this.#gate.run('flush', () => this.#worker.api.flush())
  }

  size(): Promise<Bytes> {
    return this.#gate.run('size', () => this.#worker.api.size())
  }

  truncate(size: Bytes): Promise<void> {
    return this.#gate.run('truncate', async () => {
      assertPlace(size, 0)
      await this.#worker.api.truncate(size)
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

  /** The pieces' bytes are lent, so they travel in one buffer of our own, which moves. */
  async #send(pieces: readonly SlabPiece[]): Promise<void> {
    const lengthOf = ({ bytes }: SlabPiece): Bytes => bytes.length
    const total = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0)
    const gathered = new Uint8Array(total)
    let at = 0
    for (const { bytes } of pieces) {
      gathered.set(bytes, at)
      at += bytes.length
    }
    const runs = adjacentRuns(pieces, { lengthOf, maxBytes: MESSAGE_BYTES, maxItems: MESSAGE_ITEMS }).map((run) => ({
      offset: run[0]?.offset ?? 0,
      length: run.reduce((sum, piece) => sum + lengthOf(piece), 0),
    }))
    await this.#worker.api.write(runs, transfer(gathered, [gathered.buffer]))
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
