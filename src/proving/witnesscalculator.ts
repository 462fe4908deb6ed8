// Computes witnesses: a circuit's inputs in, the values of all its wires out, by the circuit's own witness module. It proves
// nothing, and believes nothing about the inputs until they are checked.

import { CodexError } from '../lib/errors.ts'
import { ELEMENT_BYTES, MAX_DOMAIN_POWER, viewOf } from './bn254.ts'
import { type CircuitInputs, flattenedInput } from './flattenedinputs.ts'
import { signalHash } from './signalhash.ts'
import { compileWitnessModule, WitnessModule } from './witnessmodule.ts'

const MAX_WIRES = 2 ** MAX_DOMAIN_POWER
/** Read between two looks at who wants something: a few milliseconds. */
const SLICE_WIRES = 16_384

export class WitnessCalculator {
  /** Wires of the circuit, the constant one included. */
  readonly wireCount: number
  /** Elements of all inputs together. */
  readonly inputCount: number
  readonly #compiled: WebAssembly.Module
  /** Undefined while it is at work, and after a failure: a module that was interrupted does not give its memory back. */
  #module: WitnessModule | undefined

  private constructor(compiled: WebAssembly.Module, module: WitnessModule) {
    this.#compiled = compiled
    this.#module = module
    this.wireCount = module.exports.getWitnessSize()
    this.inputCount = module.exports.getInputSize()
  }

  /**
   * @param wasm what circom 2 compiled the circuit to
   * @throws CodexError `proving/bad-circuit-module` where it is something else, `proving/out-of-memory`
   */
  static async load(wasm: Uint8Array): Promise<WitnessCalculator> {
    return WitnessCalculator.of(await compileWitnessModule(wasm))
  }

  /** The same for a module that is compiled, as it may have come from another thread. @throws as {@link load} does */
  static async of(compiled: WebAssembly.Module): Promise<WitnessCalculator> {
    const calculator = new WitnessCalculator(compiled, await WitnessModule.instantiate(compiled))
    const { wireCount, inputCount } = calculator
    if (wireCount >= 1 && wireCount <= MAX_WIRES && inputCount >= 0 && inputCount <= MAX_WIRES) return calculator
    throw new CodexError(
      'proving/bad-circuit-module',
      `circuit .wasm: expected at most ${MAX_WIRES} wires and as many inputs, found ${wireCount} and ${inputCount}`,
      { detail: { field: 'wasm', wireCount, inputCount } },
    )
  }

  /**
   * The witness: one element of 32 little-endian bytes per wire, in memory of the caller's own. The computation itself is one call of
   * the module, which starts when the last input is set and cannot be heard or ended in between: three quarters of the time, some 75 ms
   * for the full circuit where a witness takes 99. `checkpoint` is awaited before it, after it, and between pieces of reading.
   * @throws CodexError `proving/bad-input`, `proving/surplus-input`, `proving/missing-input`, each with the field;
   *   `proving/unsatisfied` where the circuit refuses the inputs; what `checkpoint` throws
   */
  async calculate(
    inputs: CircuitInputs,
    { checkpoint = async () => {} }: { readonly checkpoint?: () => Promise<void> } = {},
  ): Promise<Uint8Array> {
    const module = this.#module ?? (await WitnessModule.instantiate(this.#compiled))
    const signals = this.#checkedSignals(module, inputs)
    // Taken while it is at work: whoever calls meanwhile starts another.
    this.#module = undefined
    module.clear()
    await checkpoint()
    try {
      module.exports.init(1)
      for (const { high, low, elements } of signals)
        for (const [position, element] of elements.entries()) {
          module.writeElement(element)
          // The last of all inputs starts the computation.
          module.exports.setInputSignal(high, low, position)
        }
    } catch (error) {
      throw module.errorFor(error)
    }
    const witness = await this.#readWitness(module, checkpoint)
    this.#module = module
    return witness
  }

  #checkedSignals(module: WitnessModule, inputs: CircuitInputs): Signal[] {
    const signals: Signal[] = []
    let given = 0
    for (const [name, value] of Object.entries(inputs)) {
      const { high, low } = signalHash(name)
      const size = module.exports.getInputSignalSize(high, low)
      if (size <= 0)
        throw new CodexError('proving/surplus-input', `input ${name}: the circuit has none of that name`, {
          detail: { field: name },
        })
      signals.push({ high, low, elements: flattenedInput(name, value, size) })
      given += size
    }
    if (given === this.inputCount) return signals
    throw new CodexError(
      'proving/missing-input',
      `inputs: the circuit wants ${this.inputCount} elements, found ${given} in ${Object.keys(inputs).join(', ') || 'none'}`,
      { detail: { field: 'inputs', expected: this.inputCount, found: given } },
    )
  }

  async #readWitness(module: WitnessModule, checkpoint: () => Promise<void>): Promise<Uint8Array> {
    const witness = new Uint8Array(ELEMENT_BYTES * this.wireCount)
    const view = viewOf(witness)
    for (let wire = 0; wire < this.wireCount; wire++) {
      if (wire % SLICE_WIRES === 0) await checkpoint()
      module.exports.getWitness(wire)
      module.readElement(view, ELEMENT_BYTES * wire)
    }
    return witness
  }
}

interface Signal {
  readonly high: number
  readonly low: number
  readonly elements: readonly bigint[]
}
