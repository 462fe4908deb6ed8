// `codex-light/exchange`: messages of the block exchange and signed peer records, synchronous, in a tab and in Node.

export { CodexError } from '../lib/errors.ts'
export { decodeMessage } from '../exchange/decodemessage.ts'
export type {
  AddressInput,
  CidInput,
  DeliveryInput,
  MessageInput,
  PresenceInput,
  WantInput,
} from '../exchange/encodemessage.ts'
export { encodeMessage } from '../exchange/encodemessage.ts'
export type {
  BlockAddress,
  CidAddress,
  CidDelivery,
  Delivery,
  LeafAddress,
  LeafDelivery,
  Message,
  Presence,
  Want,
} from '../exchange/message.ts'
export { BLOCK_EXCHANGE_PROTOCOL, MAX_MESSAGE_BYTES, WANT_BLOCK, WANT_HAVE } from '../exchange/message.ts'
export type { Spr, UnsignedSpr } from '../exchange/spr.ts'
export { decodeSpr, encodeSpr, signSpr } from '../exchange/spr.ts'
