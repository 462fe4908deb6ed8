// A PooledProver over workers that live on this thread: who gets which part of the key, what aborts, deaths, damage and closing cost. The laws that any prover
// keeps are in suites/prover.ts.

import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { SystemRandom } from '../../src/lib/systemrandom.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import { type ByteSource, sourceOfBytes } from '../../src/proving/bytesource.ts'
import { PooledProver } from '../../src/proving/pooledprover.ts'
import { type KeyName, proveJobs, type ProveJobs } from '../../src/proving/provejobs.ts'
import type { ProofProgress, ProofStage } from '../../src/proving/prover.ts'
import { verify } from '../../src/proving/verify.ts'
import type { SlicedJobs } from '../../src/workers/performjobs.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { SMALL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import type { FieldKernel } from '../../wasm/field/fieldkernel.ts'
import { FakeWorkers } from '../fakes/fakeworkers.ts'
import { circuitWithKeys, type CircuitWithKeys } from './keys.ts'
import { statement } from './statements.ts'

const { signal } = new AbortController()
const sale = { signal, rank: 'sale' } as const
const TINY_CIRCUIT = { ...SMALL_CIRCUIT, nSamples: 1 }
/** Of all stages and numbers of workers a normal run takes those that differ most. */
const IS_LONG = Boolean(import.meta.env['LONG'])
const STAGES: readonly ProofStage[] = ['loading', 'witness', 'quotient', 'a', 'b1', 'b2', 'c', 'h', 'finish']

const SOME_STAGES = IS_LONG ? STAGES : (['b2'] as const)

let circuit: CircuitWithKeys
beforeAll(async () => {
  circuit = await circuitWithKeys(TINY_CIRCUIT)
}, 240_000)

interface Job {
  readonly worker: number
  readonly name: keyof ProveJobs
  readonly args: readonly unknown[]
}

/** Workers, their pool, and every call they had. */
class Bench {
  readonly calls: Job[] = []
  readonly kernels: FieldKernel[] = []
  /** Called before each call of a job, in its worker. */
  before: (job: Job) => Promise<void> | void = () => {}
  /** Changes what a job answers. */
  after: (job: Job, answer: unknown) => unknown = (_, answer) => answer
  maxBytes: number | undefined
  readonly workers: FakeWorkers<ProveJobs>
  readonly clock = new ManualClock()
  readonly pool: WorkerPool<ProveJobs>

  constructor(size = 2) {
    this.workers = new FakeWorkers<ProveJobs>((worker) => this.#jobs(worker), size)
    this.pool = new WorkerPool<ProveJobs>({ source: this.workers, clock: this.clock, size })
    onTestFinished(() => this.pool.close())
  }

  async open(
    files: CircuitWithKeys = circuit,
    { zkey = sourceOfBytes(files.zkey), canShare = true }: { zkey?: ByteSource; canShare?: boolean } = {},
  ): Promise<PooledProver> {
    const { pool } = this
    const random = new SystemRandom()
    const shared = { run: pool.run.bind(pool), size: pool.size, canShare }
    const parts = {
      pool: canShare ? pool : shared,
      circuit: { wasm: files.wasm, zkey },
      randomBytes: (n: number) => random.bytes(n),
    }
    return PooledProver.open(parts, { signal })
  }

  /** How often each worker was brought points. */
  loads(): number[] {
    const placed = this.calls.filter(({ name }) => name === 'completePart').map(({ worker }) => worker)
    return this.workers.spawned.map((_, worker) => placed.filter((one) => one === worker).length)
  }

  #jobs(worker: number): SlicedJobs<ProveJobs> {
    const jobs = proveJobs(async () => {
      const kernel = await loadField(this.maxBytes === undefined ? {} : { maxBytes: this.maxBytes })
      this.kernels.push(kernel)
      return kernel
    })
    const watched = Object.entries(jobs).map(([name, perform]) => [
      name,
      async (context: never, ...args: never[]) => {
        const job: Job = { worker, name: name as keyof ProveJobs, args }
        this.calls.push(job)
        await this.before(job)
        return this.after(job, await (perform as (...all: never[]) => Promise<unknown>)(context, ...args))
      },
    ])
    return Object.fromEntries(watched) as SlicedJobs<ProveJobs>
  }
}

async function expectProves(prover: PooledProver, seed = 1, files = circuit): Promise<ProofProgress[]> {
  const { inputs, publicSignals } = await statement(seed, files === circuit ? TINY_CIRCUIT : SMALL_CIRCUIT)
  const seen: ProofProgress[] = []
  const proven = await prover.prove(inputs, { ...sale, progress: (progress) => seen.push(progress) })
  expect(proven.publicSignals).toEqual(publicSignals)
  expect(verify(files.verificationKey, publicSignals, proven.proof)).toBe(true)
  return seen
}

function stagesOf(seen: readonly ProofProgress[]): Set<ProofStage> {
  return new Set(seen.map(({ stage }) => stage))
}

describe('the parts of the key', () => {
  it.each(IS_LONG ? [1, 2, 3, 4] : [2])('are brought once, one to each of %i workers, and stay', async (size) => {
    const bench = new Bench(size)
    const prover = await bench.open()
    expect(stagesOf(await expectProves(prover, 1))).toEqual(new Set(STAGES))
    expect(bench.loads()).toEqual(Array.from({ length: size }, () => 1))
    const seen = await expectProves(prover, 2)
    expect(stagesOf(seen)).toEqual(new Set(STAGES.filter((stage) => stage !== 'loading')))
    expect(bench.loads()).toEqual(Array.from({ length: size }, () => 1))
    const parts = new Set(seen.filter(({ stage }) => stage === 'h').map(({ part }) => part))
    expect([...parts].sort()).toEqual(Array.from({ length: size }, (_, i) => i))
  })

  it('share the points out, none twice', async () => {
    const bench = new Bench(3)
    await expectProves(await bench.open())
    const placed = bench.calls.filter(({ name }) => name === 'placePoints')
    const bytesOf = (set: string): number =>
      placed.filter(({ args }) => args[2] === set).reduce((sum, { args }) => sum + (args[3] as Uint8Array).length, 0)
    const { wireCount, domainSize } = { wireCount: circuit.zkey.length && (await wires()), domainSize: 2 ** 12 }
    expect(['a', 'b1', 'b2', 'c', 'h'].map(bytesOf)).toEqual([
      64 * wireCount,
      64 * wireCount,
      128 * wireCount,
      64 * (wireCount - 4),
      64 * domainSize,
    ])
  })

  it('come as copies where threads share no memory', async () => {
    const bench = new Bench()
    await expectProves(await bench.open(circuit, { canShare: false }))
    const passed = bench.calls.flatMap(({ args }) => args).filter((arg): arg is Uint8Array => arg instanceof Uint8Array)
    expect(passed.length).toBeGreaterThan(20)
    expect(passed.filter(({ buffer }) => buffer instanceof SharedArrayBuffer)).toEqual([])
    const sharing = new Bench()
    await expectProves(await sharing.open())
    const witnesses = sharing.calls
      .filter(({ name }) => name === 'sumOfProducts')
      .map(({ args }) => args[3] as Uint8Array)
    expect(witnesses.every(({ buffer }) => buffer instanceof SharedArrayBuffer)).toBe(true)
  })

  it('need the same memory after the third proof as after the second', async () => {
    const bench = new Bench()
    const prover = await bench.open()
    await expectProves(prover, 1)
    await expectProves(prover, 2)
    const state = (): number[] => bench.kernels.flatMap(({ memoryBytes, lentBytes }) => [memoryBytes, lentBytes])
    const before = state()
    await expectProves(prover, 3)
    expect(state()).toEqual(before)
    expect(bench.kernels.length).toBe(2)
  })

  it('of two circuits lie side by side, and closing one prover leaves the other its own', async () => {
    const other = await circuitWithKeys(SMALL_CIRCUIT)
    const bench = new Bench()
    const [first, second] = [await bench.open(), await bench.open(other)]
    await Promise.all([expectProves(first, 1), expectProves(second, 2, other), expectProves(first, 3)])
    await first.close()
    await expectProves(second, 4, other)
    // Where a worker is busy a part may go to a second one, but never twice to one.
    const brought = bench.calls
      .filter(({ name }) => name === 'completePart')
      .map(({ worker, args }) => `${worker} ${(args[0] as KeyName).key} ${String(args[1])}`)
    expect(new Set(brought).size).toBe(brought.length)
    await second.close()
    const memory = await Promise.all([0, 1].map(() => bench.pool.run((worker) => worker.proveMemory(), sale)))
    expect(memory).toEqual([0, 0])
  })
})

describe('a duty', () => {
  it('goes before what is left of a sale’s proof, and costs it nothing but time', async () => {
    const bench = new Bench()
    const prover = await bench.open()
    await expectProves(prover)
    const loads = bench.loads()
    const { inputs, publicSignals } = await statement(2, TINY_CIRCUIT)
    const ends: string[] = []
    let duty: Promise<unknown> | undefined
    const selling = prover.prove(inputs, {
      ...sale,
      progress: ({ stage, state }) => {
        if (stage === 'witness' && state === 'done')
          duty ??= prover.prove(inputs, { signal, rank: 'duty' }).then(() => ends.push('duty'))
      },
    })
    const sold = await selling.then((proven) => (ends.push('sale'), proven))
    await duty
    expect(ends).toEqual(['duty', 'sale'])
    expect(sold.publicSignals).toEqual(publicSignals)
    expect(bench.loads()).toEqual(loads)
  })

  it('and proofs of one rank end in the order they were asked for', async () => {
    const prover = await new Bench().open()
    const { inputs } = await statement(1, TINY_CIRCUIT)
    const ends: number[] = []
    await Promise.all([1, 2, 3, 4].map((i) => prover.prove(inputs, sale).then(() => ends.push(i))))
    expect(ends).toEqual([1, 2, 3, 4])
  })
})

describe('a worker that dies', () => {
  it.each(SOME_STAGES)('at %s costs a second try of that step', async (stage) => {
    const jobOf: Partial<Record<ProofStage, keyof ProveJobs>> = {
      loading: 'placePoints',
      witness: 'calculateWitness',
      quotient: 'quotient',
      finish: 'finishProof',
    }
    const bench = new Bench()
    const prover = await bench.open()
    let isKilled = false
    bench.before = async ({ worker, name, args }) => {
      const isIt = name === (jobOf[stage] ?? 'sumOfProducts') && (jobOf[stage] !== undefined || args[2] === stage)
      if (!isIt || isKilled) return
      isKilled = true
      bench.workers.spawned[worker]?.die('killed by the test')
      await nextTask()
    }
    await expectProves(prover)
    expect(isKilled).toBe(true)
    await expectProves(prover, 2)
    expect([bench.workers.alive.length, bench.workers.spawned.length]).toEqual([2, 3])
  })

  it('each time costs the proof, and not the prover', async () => {
    const bench = new Bench()
    const prover = await bench.open()
    bench.before = async ({ worker, name }) => {
      if (name !== 'quotient') return
      bench.workers.spawned[worker]?.die('killed by the test')
      await nextTask()
    }
    const { inputs } = await statement(1, TINY_CIRCUIT)
    await expect(prover.prove(inputs, sale)).rejects.toMatchObject({ code: 'worker/ended' })
    bench.before = () => {}
    await expectProves(prover)
  })
})

describe('a proof that is given up', () => {
  it.each(SOME_STAGES)('at %s ends, and leaves the others their parts', async (stage) => {
    const bench = new Bench()
    const prover = await bench.open()
    if (stage !== 'loading') await expectProves(prover)
    const loads = bench.loads()
    const controller = new AbortController()
    const reason = new Error('enough')
    const { inputs } = await statement(2, TINY_CIRCUIT)
    const proving = prover.prove(inputs, {
      signal: controller.signal,
      rank: 'sale',
      progress: (seen) => {
        if (seen.stage !== stage || seen.state !== 'begun') return
        // One slice for a circuit as small as this: on one thread nobody comes between.
        if (stage === 'witness') controller.abort(reason)
        else void nextTask().then(() => controller.abort(reason))
      },
    })
    await expect(proving).rejects.toBe(reason)
    expect([bench.pool.running, bench.pool.queued]).toEqual([0, 0])
    await expectProves(prover, 3)
    if (stage !== 'loading') expect(bench.loads()).toEqual(loads)
    expect(bench.workers.spawned).toHaveLength(2)
    // Nothing of the part that was half brought is left in the kernel.
    const fresh = new Bench()
    await expectProves(await fresh.open())
    const lent = (kernels: readonly FieldKernel[]): number[] => kernels.map(({ lentBytes }) => lentBytes).sort()
    expect(lent(bench.kernels)).toEqual(lent(fresh.kernels))
  })
})

describe('a key that', () => {
  it('changed since it was opened is refused by name, and taken again once it is what it was', async () => {
    const bytes = circuit.zkey.slice()
    const bench = new Bench()
    const prover = await bench.open(circuit, { zkey: sourceOfBytes(bytes) })
    const { inputs } = await statement(1, TINY_CIRCUIT)
    const at = bytes.length - 100_000
    bytes[at] = (bytes[at] ?? 0) ^ 1
    const error: unknown = await prover.prove(inputs, sale).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'proving/key-changed' })
    expect((error as CodexError).detail['field']).toMatch(/^section /)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await expectProves(prover)
  })

  it('went bad in a worker gives no proof, and is brought anew', async () => {
    const bench = new Bench()
    const prover = await bench.open()
    await expectProves(prover)
    const before = bench.loads()
    bench.after = ({ name, args }, answer) =>
      name === 'sumOfProducts' && args[2] === 'c' ? new Uint8Array(64) : answer
    const { inputs } = await statement(2, TINY_CIRCUIT)
    await expect(prover.prove(inputs, sale)).rejects.toMatchObject({
      code: 'proving/invalid-proof',
      detail: { field: 'zkey' },
    })
    bench.after = (_, answer) => answer
    await expectProves(prover, 3)
    expect(bench.loads()).toEqual(before.map((count) => count + 1))
    const generations = bench.calls
      .map(({ args }) => args[0])
      .filter((name): name is KeyName => typeof name === 'object' && name !== null && 'generation' in name)
    expect(new Set(generations.map(({ generation }) => generation))).toEqual(new Set([0, 1]))
  })

  it('has no room on the calling thread is refused by name', async () => {
    const bench = new Bench()
    const prover = await bench.open()
    const { inputs } = await statement(1, TINY_CIRCUIT)
    const Shared = globalThis.SharedArrayBuffer
    onTestFinished(() => void vi.unstubAllGlobals())
    vi.stubGlobal(
      'SharedArrayBuffer',
      class {
        constructor() {
          throw new RangeError('Array buffer allocation failed')
        }
      },
    )
    await expect(prover.prove(inputs, sale)).rejects.toMatchObject({
      code: 'proving/out-of-memory',
      detail: { field: 'zkey' },
    })
    vi.stubGlobal('SharedArrayBuffer', Shared)
    await expectProves(prover)
  })

  it('needs more memory than there is is refused, and the workers go on', async () => {
    const bench = new Bench()
    bench.maxBytes = 1.5 * 2 ** 20
    const prover = await bench.open()
    const { inputs } = await statement(1, TINY_CIRCUIT)
    await expect(prover.prove(inputs, sale)).rejects.toMatchObject({
      code: 'proving/out-of-memory',
      detail: { field: 'zkey' },
    })
    await expect(prover.prove(inputs, sale)).rejects.toMatchObject({ code: 'proving/out-of-memory' })
    await prover.close()
    bench.maxBytes = undefined
    await expectProves(await bench.open())
    expect(bench.workers.spawned).toHaveLength(2)
  })
})

async function wires(): Promise<number> {
  const { readZkey } = await import('../../src/proving/zkey.ts')
  return (await readZkey(sourceOfBytes(circuit.zkey), { signal })).header.wireCount
}
