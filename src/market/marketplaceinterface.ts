// The marketplace and the token as ethers reads them: encoding calls, decoding answers and errors. No endpoint is asked here.

import { Interface } from 'ethers/abi'
import { MARKETPLACE_ABI, TOKEN_ABI } from './marketplaceabi.ts'

export const MARKETPLACE = new Interface(MARKETPLACE_ABI)
export const TOKEN = new Interface(TOKEN_ABI)

/** Functions of one name and several forms are named with their types. */
export const WITHDRAW_FUNDS = 'withdrawFunds(bytes32)'
export const FREE_SLOT = 'freeSlot(bytes32)'
export const FREE_SLOT_TO = 'freeSlot(bytes32,address,address)'
