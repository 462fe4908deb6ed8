// The second step: where the chain, its peers and its circuit are, looked at before anything is staked.

import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'

import type * as BrowserRoom from '../src/browser.ts'
import { explain } from './explain.ts'
import { checkedChoice, circuitAt, keptChoice, type NetworkChoice, type Use, type Written } from './networkchoice.ts'

type Finding = Awaited<ReturnType<(typeof BrowserRoom)['lookAtChain']>>['findings'][number]

/** What the chain said of itself. */
export interface SeenNetwork {
  readonly choice: NetworkChoice
  readonly chainId: number
  readonly token: string
}

interface Parts {
  readonly room: Pick<typeof BrowserRoom, 'lookAtChain'>
  /** Of the node key, where there is one already. */
  readonly address: string | undefined
  readonly closing: AbortSignal
  /** Where no money should be sent to the key on that chain yet: what to do about it. */
  readonly barrier?: (chainId: number) => ComponentChildren
  readonly next: (network: SeenNetwork) => void
  /** Who only buys needs no circuit. */
  readonly use?: Use
}

type Row = Pick<Finding, 'state' | 'sentence'> & { readonly check: string }

export function NetworkStep({ room, address, closing, barrier, next, use = 'sells' }: Parts) {
  const rows = useSignal<readonly Row[]>([])
  const problem = useSignal<string | undefined>(undefined)
  const isLooking = useSignal(false)
  const seen = useSignal<SeenNetwork | undefined>(undefined)
  const kept = keptChoice(use) ?? keptChoice(use === 'sells' ? 'buys' : 'sells')
  const look = async (form: FormData): Promise<void> => {
    problem.value = undefined
    seen.value = undefined
    rows.value = []
    isLooking.value = true
    try {
      const choice = checkedChoice(writtenIn(form), use)
      const { ethProvider: url, marketplace } = choice
      const place = { url, ...(marketplace !== '' && { marketplace }) }
      const { findings, facts } = await room.lookAtChain(place, address, { signal: closing })
      rows.value = use === 'buys' ? findings : [...findings, await lookAtCircuit(choice, closing)]
      if (facts !== undefined) seen.value = { choice, chainId: facts.chainId, token: facts.token }
    } catch (error) {
      problem.value = explain(error)
    } finally {
      isLooking.value = false
    }
  }
  // Coins and tokens may come later; what is wrong with the chain does not get better by going on.
  const hold = seen.value === undefined ? undefined : barrier?.(seen.value.chainId)
  const isFit = rows.value.every(({ state, check }) => state !== 'bad' || ['coins', 'tokens'].includes(check))
  return (
    <>
      <form
        class="terms"
        onSubmit={(event) => {
          event.preventDefault()
          void look(new FormData(event.currentTarget))
        }}
      >
        <Field name="ethProvider" words="Endpoint of the chain (https or wss)" value={kept?.ethProvider} required />
        <Field name="marketplace" words="Marketplace contract (empty: the known one)" value={kept?.marketplace} />
        <Field
          name="bridges"
          words="Bridge to the network’s peers, a multiaddr"
          value={kept?.bridges.join(' ')}
          required
        />
        {use === 'sells' && (
          <Field
            name="circuit"
            words="Circuit: address of the folder with circuit.wasm and circuit.zkey"
            value={kept?.circuit}
            required
          />
        )}
        <button type="submit" disabled={isLooking.value}>
          {isLooking.value ? 'Looking…' : 'Check this network'}
        </button>
      </form>
      {problem.value !== undefined && (
        <p class="banner bad" role="alert">
          {problem.value}
        </p>
      )}
      {hold}
      {rows.value.length > 0 && (
        <ul class="files" role="status" data-testid="findings">
          {rows.value.map(({ check, state, sentence }) => (
            <li key={check} data-finding={state}>
              <span class="name">{state === 'good' ? '✓' : state === 'odd' ? '!' : '✗'}</span>
              <span class="grow">
                {/* Nobody is told an address that money should not go to. */}
                {hold === undefined || address === undefined ? sentence : sentence.replaceAll(address, 'the key')}
              </span>
            </li>
          ))}
        </ul>
      )}
      {seen.value !== undefined && (
        <button
          type="button"
          disabled={!isFit}
          onClick={() => {
            if (seen.value !== undefined) next(seen.value)
          }}
        >
          Go on
        </button>
      )}
    </>
  )
}

interface FieldParts {
  readonly name: keyof Written
  readonly words: string
  readonly value: string | undefined
  readonly required?: boolean
}

function Field({ name, words, value, required = false }: FieldParts) {
  return (
    <label>
      {words}
      <input name={name} required={required} defaultValue={value ?? ''} spellcheck={false} autocomplete="off" />
    </label>
  )
}

function writtenIn(form: FormData): Written {
  const text = (name: keyof Written): string => {
    const value = form.get(name)
    return typeof value === 'string' ? value : ''
  }
  const [ethProvider, marketplace] = [text('ethProvider'), text('marketplace')]
  return { ethProvider, marketplace, bridges: text('bridges'), circuit: text('circuit'), rewardRecipient: '' }
}

/** Whether the files are there; what they are worth is found out by a proof, before anything is sold. */
async function lookAtCircuit({ circuit }: NetworkChoice, signal: AbortSignal): Promise<Row> {
  try {
    const { sha256 } = await circuitAt(circuit, signal)
    for (const name of ['circuit.wasm', 'circuit.zkey']) {
      const response = await fetch(new URL(name, circuit), { method: 'HEAD', signal })
      if (!response.ok)
        return { check: 'circuit', state: 'bad', sentence: `${name} is not in that folder: ${response.status}` }
    }
    const kept =
      sha256 === undefined ? 'without hashes beside it: it is loaded anew each time' : 'with hashes beside it'
    return {
      check: 'circuit',
      state: sha256 === undefined ? 'odd' : 'good',
      sentence: `the circuit is there, ${kept}; a proof is made and verified before anything is sold`,
    }
  } catch {
    signal.throwIfAborted()
    return {
      check: 'circuit',
      state: 'bad',
      sentence: 'the circuit cannot be had from there: its server must allow other pages to read it (CORS)',
    }
  }
}
