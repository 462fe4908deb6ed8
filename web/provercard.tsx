// The prover meter: press, and see this device prove, step by step, with the result in plain words. Loaded when it is first asked for.

import { useSignal } from '@preact/signals'

import { openProving } from '../src/browser.ts'
import { circuitBeside, type CircuitFiles } from './circuitbeside.ts'
import { explain } from './explain.ts'
import { type MeterState, type Stage, STAGE_WORDS, verdict, withProgress } from './provermeter.ts'

const STAGES = Object.keys(STAGE_WORDS) as Stage[]
/** The first proof also loads the key; the second is what a slot costs. */
const PROOFS = 2

type Phase =
  | { readonly at: 'ready' | 'no circuit' }
  | { readonly at: 'preparing' | 'proving'; readonly what: string }
  | { readonly at: 'done'; readonly words: string; readonly isDevelopment: boolean }
  | { readonly at: 'failed'; readonly problem: string }

export function ProverCard() {
  const phase = useSignal<Phase>({ at: 'ready' })
  const stages = useSignal<MeterState>({})
  const stop = useSignal<AbortController | undefined>(undefined)

  const measure = async (chosen?: CircuitFiles): Promise<void> => {
    const controller = new AbortController()
    stop.value = controller
    stages.value = {}
    try {
      phase.value = {
        at: 'preparing',
        what: 'Looking for the circuit… (built on this computer the first time: half a minute)',
      }
      const circuit = chosen ?? (await circuitBeside(controller.signal))
      if (circuit === undefined) {
        phase.value = { at: 'no circuit' }
        return
      }
      phase.value = await run(circuit, controller.signal, (what, state) => {
        phase.value = { at: 'proving', what }
        stages.value = state
      })
    } catch (error) {
      phase.value = controller.signal.aborted ? { at: 'ready' } : { at: 'failed', problem: explain(error) }
    } finally {
      stop.value = undefined
    }
  }

  return (
    <>
      <p class="quiet">
        Who rents out space must prove, again and again, that it still holds the data. This measures how long a proof
        takes here, on made-up data; nothing leaves this device.
      </p>
      {stop.value === undefined ? (
        <button type="button" onClick={() => void measure()}>
          Measure
        </button>
      ) : (
        <button type="button" onClick={() => stop.value?.abort()}>
          Stop
        </button>
      )}
      <Outcome phase={phase.value} />
      {Object.keys(stages.value).length > 0 && <Stages state={stages.value} />}
      {phase.value.at === 'no circuit' && <OwnFiles measure={(files) => void measure(files)} />}
    </>
  )
}

function Outcome({ phase }: { readonly phase: Phase }) {
  switch (phase.at) {
    case 'ready':
      return null
    case 'preparing':
    case 'proving':
      return (
        <p class="quiet" role="status">
          {phase.what}
        </p>
      )
    case 'no circuit':
      return <p>This page came without a circuit. Choose the files of one:</p>
    case 'failed':
      return (
        <p class="banner bad" role="alert">
          {phase.problem}
        </p>
      )
    case 'done':
      return (
        <div role="status" data-testid="verdict">
          <p>{phase.words}</p>
          {phase.isDevelopment && (
            <p class="quiet">
              Measured with a key for development only: it takes as long as a real one, and proves nothing to anybody.
            </p>
          )}
        </div>
      )
  }
}

function Stages({ state }: { readonly state: MeterState }) {
  const longestMs = Math.max(1, ...STAGES.map((stage) => state[stage]?.busyMs ?? 0))
  return (
    <ol class="meter" data-testid="stages">
      {STAGES.map((stage) => {
        const { running, busyMs } = state[stage] ?? { running: 0, busyMs: 0 }
        const at = running > 0 ? 'running' : busyMs > 0 ? 'done' : 'waiting'
        return (
          <li key={stage} data-at={at}>
            <span class="grow">{STAGE_WORDS[stage]}</span>
            <progress max={longestMs} value={running > 0 ? undefined : busyMs} />
            <span class="quiet">{busyMs > 0 ? `${(busyMs / 1000).toFixed(2)} s` : ''}</span>
          </li>
        )
      })}
    </ol>
  )
}

function OwnFiles({ measure }: { readonly measure: (files: CircuitFiles) => void }) {
  const submit = (event: Event): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const [wasm, zkey] = [data.get('wasm'), data.get('zkey')]
    if (wasm instanceof File && zkey instanceof File) measure({ wasm, zkey })
  }
  return (
    <form class="row" onSubmit={submit}>
      <label>
        Witness module (.wasm) <input type="file" name="wasm" accept=".wasm" required />
      </label>
      <label>
        Proving key (.zkey) <input type="file" name="zkey" accept=".zkey" required />
      </label>
      <button type="submit">Measure with these</button>
    </form>
  )
}

async function run(
  circuit: CircuitFiles,
  signal: AbortSignal,
  show: (what: string, state: MeterState) => void,
): Promise<Phase> {
  const proving = await openProving()
  const inputs = await proving.sampleInputs({ signal })
  show('Opening the circuit…', {})
  const prover = await proving.createProver({ circuit, signal })
  try {
    let seconds = 0
    for (let proof = 1; proof <= PROOFS; proof++) {
      const startedMs = new Map<string, number>()
      let state: MeterState = {}
      const startMs = performance.now()
      await prover.prove(inputs, {
        signal,
        rank: 'background',
        progress: (progress) => {
          state = withProgress(state, progress, performance.now(), startedMs)
          show(proof === 1 ? 'Proving, to warm up…' : 'Proving once more, with the key in place…', state)
        },
      })
      seconds = (performance.now() - startMs) / 1000
    }
    const isDevelopment = prover.verificationKey.developmentOnly !== undefined
    return { at: 'done', words: verdict(seconds, proving.threads), isDevelopment }
  } finally {
    await prover.close()
  }
}
