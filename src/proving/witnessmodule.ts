// A circuit's witness module (what circom 2 compiles a circuit to), brought up: its exports, checked, and what it imports. What
// its errors mean is told here; which inputs it wants is witnesscalculator.ts' business.

import { CodexError } from '../lib/errors.ts'
import { ELEMENT_BYTES, SCALAR_ORDER } from './bn254.ts'
import { outOfMemory } from './outofmemory.ts'

/** What a module of circom 2 exports, as its documentation describes it. Words are 32 bits of an element, the lowest first. */
export interface WitnessExports {
  readonly getVersion: () => number
  readonly getFieldNumLen32: () => number
  readonly getRawPrime: () => void
  readonly readSharedRWMemory: (word: number) => number
  readonly writeSharedRWMemory: (word: number, value: number) => void
  readonly init: (checksConstraints: number) => void
  readonly getInputSize: () => number
  readonly getInputSignalSize: (hashHigh: number, hashLow: number) => number
  readonly setInputSignal: (hashHigh: number, hashLow: number, position: number) => void
  readonly getWitnessSize: () => number
  readonly getWitness: (wire: number) => void
  /** Of the message under way, 0 at its end; compilers before 2.0.5 make none. */
  readonly getMessageChar?: () => number
}

/** Those that every module must have. */
const EXPORTS: readonly (keyof WitnessExports)[] = [
  'getVersion',
  'getFieldNumLen32',
  'getRawPrime',
  'readSharedRWMemory',
  'writeSharedRWMemory',
  'init',
  'getInputSize',
  'getInputSignalSize',
  'setInputSignal',
  'getWitnessSize',
  'getWitness',
]

/** What it may call of ours, all in one namespace. Later compilers have added to them, older ones lack some. */
const IMPORTS = 'runtime'

const WORDS = ELEMENT_BYTES / 4
const VERSION = 2
/** Of a failed assertion; the module's other codes speak of inputs, which are checked before they are set. */
const ASSERT_FAILED = 4
/** Texts of failed assertions; a module that never ends its text shall not fill the memory. */
const MAX_MESSAGE_CHARS = 2000
const MAX_MESSAGES = 20

/** An instance, and what it complained about since {@link clear}. */
export class WitnessModule {
  readonly exports: WitnessExports
  readonly #complaints: string[]

  private constructor(exports: WitnessExports, complaints: string[]) {
    this.exports = exports
    this.#complaints = complaints
  }

  /**
   * @throws CodexError `proving/bad-circuit-module` where it cannot be started, has other exports, or computes in another field;
   *   `proving/out-of-memory` where its memory cannot be had
   */
  static async instantiate(compiled: WebAssembly.Module): Promise<WitnessModule> {
    const complaints: string[] = []
    const exports: { current?: WitnessExports } = {}
    const imports = importsOf(compiled, complaints, () => exports.current)
    let instance: WebAssembly.Instance
    try {
      instance = await WebAssembly.instantiate(compiled, { [IMPORTS]: imports })
    } catch (cause) {
      if (cause instanceof RangeError) throw outOfMemory('wasm', cause)
      throw badModule('a module that starts', String(cause), cause)
    }
    exports.current = checkedExports(instance)
    return new WitnessModule(exports.current, complaints)
  }

  /** Drops what was complained about before. */
  clear(): void {
    this.#complaints.length = 0
  }

  /** The error for `cause`, which a call of the module threw. */
  errorFor(cause: unknown): CodexError {
    if (cause instanceof ModuleException && cause.code === ASSERT_FAILED) {
      const where = this.#complaints.join('; ')
      return new CodexError(
        'proving/unsatisfied',
        `the circuit does not accept these inputs: ${where || 'an assertion failed'}`,
        { detail: { where } },
      )
    }
    const detail = cause instanceof ModuleException ? `its error ${cause.code}` : String(cause)
    return new CodexError('proving/witness-failed', `expected the circuit to compute its witness, found ${detail}`, {
      detail: { found: detail },
      cause,
    })
  }

  /** Writes an element where the next {@link WitnessExports.setInputSignal} takes it from. */
  writeElement(element: bigint): void {
    for (let word = 0; word < WORDS; word++)
      this.exports.writeSharedRWMemory(word, Number((element >> BigInt(32 * word)) & 0xffff_ffffn))
  }

  /** Reads into 8 words at `at` what the last {@link WitnessExports.getWitness} left. */
  readElement(into: DataView, at: number): void {
    for (let word = 0; word < WORDS; word++)
      into.setUint32(at + 4 * word, this.exports.readSharedRWMemory(word) >>> 0, true)
  }
}

/** Compiles a module's bytes. @throws CodexError `proving/bad-circuit-module` where they are none, `proving/out-of-memory` */
export async function compileWitnessModule(wasm: Uint8Array): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>)
  } catch (cause) {
    if (cause instanceof RangeError) throw outOfMemory('wasm', cause)
    throw badModule('WebAssembly that circom made', `${wasm.length} bytes that do not compile`, cause)
  }
}

/** Unwinds the module's own calls, since it goes on computing when this import returns. */
class ModuleException extends Error {
  override readonly name = 'ModuleException'
  readonly code: number

  constructor(code: number) {
    super(`the witness module ended with its error ${code}`)
    this.code = code
  }
}

function importsOf(
  compiled: WebAssembly.Module,
  complaints: string[],
  exports: () => WitnessExports | undefined,
): Record<string, (...args: number[]) => void> {
  const known: Record<string, (...args: number[]) => void> = {
    exceptionHandler: (code = 0) => {
      throw new ModuleException(code)
    },
    printErrorMessage: () => {
      const message = readMessage(exports())
      if (complaints.length < MAX_MESSAGES) complaints.push(message)
    },
    // Part of a log line; unread, the module would keep it for the next message.
    writeBufferMessage: () => void readMessage(exports()),
  }
  const imports: Record<string, (...args: number[]) => void> = {}
  for (const { module, name, kind } of WebAssembly.Module.imports(compiled)) {
    if (module !== IMPORTS || kind !== 'function')
      throw badModule(`imports of functions from ${IMPORTS} only`, `${kind} ${module}.${name}`)
    // The others are for logs.
    imports[name] = known[name] ?? (() => {})
  }
  return imports
}

function readMessage(exports: WitnessExports | undefined): string {
  let text = ''
  for (let i = 0; i < MAX_MESSAGE_CHARS && exports !== undefined; i++) {
    const code = exports.getMessageChar?.() ?? 0
    if (code === 0) break
    text += String.fromCharCode(code)
  }
  return text.trim()
}

function checkedExports(instance: WebAssembly.Instance): WitnessExports {
  const missing = EXPORTS.find((name) => typeof instance.exports[name] !== 'function')
  if (missing !== undefined) throw badModule(`an export ${missing}`, 'none')
  const exports = instance.exports as unknown as WitnessExports
  const version = exports.getVersion()
  if (version !== VERSION) throw badModule(`a module of circom ${VERSION}`, `one of circom ${version}`)
  const words = exports.getFieldNumLen32()
  if (words !== WORDS) throw badModule(`elements of ${WORDS} words`, `${words}`)
  exports.getRawPrime()
  let prime = 0n
  for (let word = 0; word < WORDS; word++) prime |= BigInt(exports.readSharedRWMemory(word) >>> 0) << BigInt(32 * word)
  if (prime !== SCALAR_ORDER) throw badModule('the scalar field of BN254', `a field of order ${prime}`)
  return exports
}

function badModule(expected: string, found: string, cause?: unknown): CodexError {
  return new CodexError(
    'proving/bad-circuit-module',
    `circuit .wasm: expected ${expected}, found ${found}; give the circuit's own witness module`,
    { detail: { field: 'wasm', expected, found }, cause },
  )
}
