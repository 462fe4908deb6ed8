// A tab that only buys: how it stands, and the client's corner.

import { effect } from '@preact/signals'
import { useMemo } from 'preact/hooks'

import { formatCount } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import { AlertList } from './alertlist.tsx'
import { Buyer, type BuyerPicture, type BuyPlan } from './buyer.ts'
import { newestOf, ownFiles } from './buystorage.ts'
import { ClientCorner } from './clientcorner.tsx'
import { isKeySafe, KeyAtRisk } from './keyatrisk.tsx'
import { KeyDesk } from './keydesk.ts'
import { MoneyPart } from './moneypart.tsx'
import { NotTrading } from './nottrading.tsx'
import { isUnplaced } from './purchasewatch.ts'
import type { Session } from './session.ts'
import { TopUp } from './walletpart.tsx'

export function BuyerCard({ session, plan }: { readonly session: Session; readonly plan: BuyPlan }) {
  const buyer = useMemo(() => begin(session, plan), [session, plan])
  const { running } = session
  const desk = useMemo(() => running && new KeyDesk(running.room, running.node), [running?.node])
  if (buyer === undefined || desk === undefined) return <p class="quiet">Only the tab that runs the node can buy.</p>
  const phase = buyer.phase.value
  if (phase.at !== 'buying')
    return <NotTrading phase={phase} isDemo={plan.demo !== undefined} reload={() => session.reload()} />
  const picture = buyer.picture.value
  if (picture === undefined) return <p class="quiet">Looking…</p>
  const { host, tokens, coins, chainId, token, peers, alerts, bought, time } = picture
  const atRisk = { desk, session, chainId }
  const barrier = isKeySafe(atRisk) ? undefined : <KeyAtRisk {...atRisk} />
  return (
    <>
      <p role="status" data-testid="buyer-stance">
        {stance(picture)}
      </p>
      <dl class="legend">
        <div>
          <dt>Buys as</dt>
          <dd title={host} data-testid="buyer">
            {host.slice(0, 8)}…{host.slice(-4)}
          </dd>
        </div>
        <div>
          <dt>Balance</dt>
          <dd>{tokens === undefined ? 'unknown' : formatAmount(tokens)}</dd>
        </div>
        <div>
          <dt>Peers</dt>
          <dd>{formatCount(peers, 'peer')}</dd>
        </div>
      </dl>
      <AlertList alerts={alerts} time={time} />
      <MoneyPart nodeKey={host} coins={coins} tokens={tokens} barrier={barrier}>
        <TopUp nodeKey={host} network={{ chainId, token }} closing={session.closing} />
      </MoneyPart>
      <ClientCorner
        barrier={barrier}
        corner={{
          files: ownFiles(session.state.listing.value.entries),
          newest: newestOf(session.state.stored.value),
          isDemo: plan.demo !== undefined,
          buy: (...asked) => buyer.buy(...asked),
          ...{ bought, time, tokens },
        }}
      />
    </>
  )
}

function begin(session: Session, plan: BuyPlan): Buyer | undefined {
  const { running, closing } = session
  if (running === undefined) return undefined
  session.state.trades.value = 'buys'
  const buyer = new Buyer(running.room, running.node, plan)
  void buyer.run(closing)
  const telling = effect(() => session.noteBought(buyer.picture.value?.bought ?? []))
  closing.addEventListener('abort', telling, { once: true })
  return buyer
}

function stance({ outOfReach, peers, bought }: BuyerPicture): string {
  if (outOfReach !== undefined) return `The chain is out of reach: ${outOfReach}`
  if (peers === 0) return 'Nobody is connected: no provider can fetch a file from here until somebody is.'
  return bought.some(isUnplaced)
    ? 'Keep this tab open: providers fetch the file from it until each slot has one.'
    : 'This tab buys with its key, and proves nothing. Once every slot of a purchase has a provider it may be closed.'
}
