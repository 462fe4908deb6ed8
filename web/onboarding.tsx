// Three steps from nothing to a provider on a network of one's choice: the key, the network, space and price. Each closes when it is done and can be opened again.

import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'

import { explain } from './explain.ts'
import { isKeySafe, KeyAtRisk } from './keyatrisk.tsx'
import { KeyDesk } from './keydesk.ts'
import { KeyStep } from './keystep.tsx'
import { circuitAt, keepChoice, keptChoice, type NetworkChoice } from './networkchoice.ts'
import { NetworkStep, type SeenNetwork } from './networkstep.tsx'
import { noteSellingAnywhere, wasSellingAnywhere } from './sellingnote.ts'
import type { SellPlan, Terms } from './sellplan.ts'
import type { Session } from './session.ts'
import { Step } from './step.tsx'
import type { MarketSight } from './suggestedterms.ts'
import { TermsStep } from './termsstep.tsx'
import { UnprovenMark } from './unprovenmark.tsx'
import { WalletPart } from './walletpart.tsx'

interface Parts {
  readonly session: Session
  readonly sell: (plan: SellPlan) => void
}

export function Onboarding({ session, sell }: Parts) {
  const { running } = session
  const desk = useMemo(() => running && new KeyDesk(running.room, running.node), [running?.node])
  const network = useSignal<SeenNetwork | undefined>(undefined)
  const recipient = useSignal(keptChoice()?.rewardRecipient ?? '')
  const opened = useSignal<number | undefined>(undefined)
  const isAnew = useSignal(false)
  const isKeySeen = useSignal(false)
  const held = useSignal<string | undefined>(undefined)
  const offered = useSignal<readonly Terms[]>([])
  const problem = useSignal<string | undefined>(undefined)
  const isLooked = useSignal(false)
  const look = async (): Promise<void> => {
    if (running === undefined) return
    try {
      const found = await running.room.soldHere(running.node, { signal: session.closing })
      held.value = found.held
      offered.value = found.offered
    } catch (error) {
      if (!session.closing.aborted) problem.value = explain(error)
    }
    isLooked.value = true
  }
  const isBack = wasSellingAnywhere() && keptChoice() !== undefined
  useEffect(() => {
    if (isBack) void look()
  }, [running?.node, isBack])
  if (running === undefined || desk === undefined) return <p class="quiet">Only the tab that runs the node can sell.</p>
  const key = desk.state.value.at === 'open' ? desk.state.value.key : undefined
  const seen = network.value
  const kept = keptChoice()
  const setUpAnew = async (): Promise<void> => {
    await look()
    isAnew.value = true
  }
  if (wasSellingAnywhere() && kept !== undefined && !isAnew.value) {
    const goOn = (): void => {
      const { value } = desk.state
      if (value.at === 'open') sell(planOf(kept, value.key, undefined))
    }
    // Where it could not be looked up there may be some.
    const waits = held.value ?? (problem.value === undefined ? undefined : 'slots that it has filled')
    return (
      <>
        <p>{tellBack(new URL(kept.ethProvider).host, waits, isLooked.value)}</p>
        {problem.value !== undefined && <Unknown why={problem.value} />}
        {waits !== undefined && (
          <UnprovenMark
            session={session}
            title="Unlock the key"
            why={`Its key is locked: ${waits} wait for proofs. Unlock the key in this tab, or their collateral is lost.`}
            isNotified
          />
        )}
        {key === undefined ? (
          <KeyStep desk={desk} next={goOn} />
        ) : (
          <button type="button" onClick={goOn}>
            Go on selling
          </button>
        )}
        <button type="button" class="plain" onClick={() => void setUpAnew()}>
          Set it up anew
        </button>
      </>
    )
  }
  // Open until its address was seen, and could be saved.
  const step = opened.value ?? (key === undefined || !isKeySeen.value ? 1 : seen === undefined ? 2 : 3)
  const begin = (terms: Terms | undefined): void => {
    if (key === undefined || seen === undefined) return
    const choice: NetworkChoice = { ...seen.choice, rewardRecipient: recipient.value }
    // With slots elsewhere it may be refused: the way back stays as it was until it sells.
    if (held.value === undefined) keepChoice(choice)
    sell(planOf(choice, key, terms))
  }
  const see = async (signal: AbortSignal): Promise<MarketSight> => {
    const { ethProvider: url = '', marketplace = '' } = seen?.choice ?? {}
    return running.room.lookAtMarket({ url, ...(marketplace !== '' && { marketplace }) }, key?.address ?? '', {
      signal,
    })
  }
  return (
    <>
      {problem.value !== undefined && <Unknown why={problem.value} />}
      {held.value !== undefined && (
        <div class="banner bad" role="alert">
          <p>
            This tab holds {held.value}. They have to be proven there: until they have ended it starts with that key,
            chain and marketplace only, though by any endpoint.
          </p>
          <button type="button" onClick={() => (isAnew.value = false)}>
            Back
          </button>
        </div>
      )}
      <ol class="steps">
        <Step
          at={1}
          step={step}
          title="A key for this node"
          done={
            key && isKeySeen.value
              ? `${key.address.slice(0, 10)}… earns and is slashed for what this tab does.`
              : undefined
          }
          open={() => (opened.value = 1)}
        >
          <KeyStep
            desk={desk}
            next={() => {
              isKeySeen.value = true
              opened.value = undefined
            }}
          />
        </Step>
        <Step
          at={2}
          step={step}
          title="The network"
          done={seen && `Chain ${seen.chainId}, ${new URL(seen.choice.ethProvider).host}.`}
          open={() => (opened.value = 2)}
        >
          <NetworkStep
            room={running.room}
            address={key?.address}
            closing={session.closing}
            barrier={(chainId) =>
              isKeySafe({ desk, session, chainId }) ? undefined : <KeyAtRisk {...{ desk, session, chainId }} />
            }
            next={(found) => {
              network.value = found
              opened.value = undefined
            }}
          />
        </Step>
        <Step at={3} step={step} title="Space and price" done={undefined} open={() => (opened.value = 3)}>
          {key !== undefined && seen !== undefined && (
            <>
              <KeyAtRisk desk={desk} session={session} chainId={seen.chainId} />
              <WalletPart
                nodeKey={key.address}
                network={seen}
                recipient={recipient}
                isSafe={isKeySafe({ desk, session, chainId: seen.chainId })}
                closing={session.closing}
              />
              <TermsStep session={session} chainId={seen.chainId} see={see} begin={begin} offered={offered.value} />
            </>
          )}
        </Step>
      </ol>
    </>
  )
}

function Unknown({ why }: { readonly why: string }) {
  return <p role="alert">What this browser has sold could not be looked up. {why}</p>
}

/** @param waits what waits for proofs, in words */
function tellBack(host: string, waits: string | undefined, isLooked: boolean): string {
  const before = `This browser was selling on ${host}`
  if (waits !== undefined) return `${before}. Slots that it has filled wait for proofs: unlock its key to go on.`
  return isLooked ? `${before}. It holds no slots now: unlock its key to go on.` : `${before}: unlock its key to go on.`
}

function planOf(
  choice: NetworkChoice,
  key: NonNullable<Awaited<ReturnType<SellPlan['key']>>>,
  terms: Terms | undefined,
): SellPlan {
  const { ethProvider, marketplace, bridges, rewardRecipient } = choice
  let { sha256 } = choice
  return {
    place: {
      ethProvider,
      bootstrap: bridges,
      ...(marketplace !== '' && { marketplace }),
      ...(rewardRecipient !== '' && { rewardRecipient }),
    },
    key: async () => key,
    async circuit(signal) {
      const files = await circuitAt(choice.circuit, signal, sha256)
      sha256 = files.sha256
      return files
    },
    terms,
    demo: undefined,
    note: () => {
      keepChoice({ ...choice, sha256 })
      noteSellingAnywhere()
    },
  }
}
