// The conversation with one peer: one loop reads and acts, one loop says what is to be said. Neither waits for the other, so that two peers that
// both have much to say never wait for each other.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { nextTask } from '../lib/nexttask.ts'
import type { Seconds } from '../lib/units.ts'
import { hearMessage } from './decodemessage.ts'
import type { MessageInput } from './encodemessage.ts'
import { writeMessage } from './encodemessage.ts'
import type { Want } from './message.ts'
import { ENTRIES_PER_MESSAGE } from './outbox.ts'
import type { Peer } from './peer.ts'
import type { PeerLimits } from './peerlimits.ts'
import type { Requester } from './requester.ts'
import type { Batch, Responder } from './responder.ts'
import { MAX_BATCH_BLOCKS, messagesOf } from './responder.ts'

/** Fields from this length on are sent without being copied. */
const BORROW_FROM_BYTES = 4096
/** Of a message with more than nodes that mean well put into one, looked up and answered in one go: a millisecond or two of work. */
const WANTS_IN_A_TURN = 256
/** A batch that the transport took within this time may be followed by a larger one. */
const QUICK_SECONDS: Seconds = 2

export interface SessionParts {
  readonly clock: Clock
  readonly requester: Requester
  readonly responder: Responder
  readonly limits: PeerLimits
}

/** Acts on the peer's messages until it has gone. Rejects with what broke the link, a CodexError for what the peer must not say. */
export async function readMessages(peer: Peer, parts: SessionParts, { signal }: AbortOptions): Promise<void> {
  for await (const bytes of peer.link.messages({ signal, maxBytes: () => peer.maxMessageBytes() })) {
    const heard = await hearMessage(bytes)
    await parts.limits.spend(peer.id, heard, { signal })
    const { message } = heard
    parts.requester.takePresences(peer, message.presences)
    await parts.requester.takeDeliveries(peer, message.deliveries)
    await takeWants(peer, message.wants, parts)
  }
}

async function takeWants(peer: Peer, wants: readonly Want[], { responder }: SessionParts): Promise<void> {
  if (wants.length <= ENTRIES_PER_MESSAGE) return responder.takeWants(peer, wants)
  for (let at = 0; at < wants.length; at += WANTS_IN_A_TURN) {
    await responder.takeWants(peer, wants.slice(at, at + WANTS_IN_A_TURN))
    // Others have their turns, also where the store answers at once.
    await nextTask()
  }
}

/** Sends what is to be said to the peer, until the signal aborts or the link breaks. While one batch of blocks is on its way the next is read. */
export async function sendMessages(peer: Peer, parts: SessionParts, { signal }: AbortOptions): Promise<void> {
  const { clock, responder } = parts
  let ahead: Promise<Batch | undefined> | undefined
  const readAhead = (): Promise<Batch | undefined> => {
    const next = responder.nextBatch(peer, { signal })
    // Met when it is awaited, unless the link breaks first.
    next.catch(() => undefined)
    return next
  }
  for (;;) {
    const words = peer.outbox.take()
    if (words !== undefined) await send(peer, words, clock, signal)
    const batch = await (ahead ?? readAhead())
    ahead = batch === undefined || responder.isShort ? undefined : readAhead()
    if (batch !== undefined) await sendBatch(peer, batch, parts, signal)
    if (words === undefined && batch === undefined) await peer.bell.wait({ signal })
  }
}

async function sendBatch(
  peer: Peer,
  { deliveries, giveBack }: Batch,
  { clock, responder }: SessionParts,
  signal: AbortSignal,
): Promise<void> {
  if (deliveries.length === 0) return giveBack()
  const begun = clock.now()
  for (const message of messagesOf(deliveries)) await send(peer, { deliveries: message }, clock, signal)
  // Who reads slowly holds little of our memory meanwhile.
  const isQuick = clock.now() - begun < QUICK_SECONDS
  peer.batchBlocks = isQuick ? Math.min(peer.batchBlocks * 2, MAX_BATCH_BLOCKS) : Math.ceil(peer.batchBlocks / 2)
  responder.sent(peer, deliveries)
  peer.servedAt = clock.now()
  for (const { data } of deliveries) peer.sentBytes += data.length
  giveBack()
}

async function send(peer: Peer, message: MessageInput, clock: Clock, signal: AbortSignal): Promise<void> {
  peer.sendingSince = clock.now()
  try {
    await peer.link.send(writeMessage(message).chunks(BORROW_FROM_BYTES), { signal })
  } finally {
    peer.sendingSince = undefined
  }
}
