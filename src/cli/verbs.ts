// The verbs by name, each loaded only when it is called: a cold start pays for one verb.

import type { Verb } from './verb.ts'

export interface VerbEntry {
  /** One word, or two for a verb of a group. */
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<Verb>
}

export const VERBS: readonly VerbEntry[] = [
  {
    name: 'demo',
    summary: 'show what the node can do, on real data, then serve the page',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'start',
    summary: 'run a node: store, serve peers, answer REST, bridge tabs, sell and buy',
    load: async () => (await import('./start.ts')).start,
  },
  { name: 'upload', summary: 'store a file', load: async () => (await import('./upload.ts')).upload },
  { name: 'download', summary: 'read a file back', load: async () => (await import('./download.ts')).download },
  { name: 'ls', summary: 'list what is stored', load: async () => (await import('./ls.ts')).ls },
  { name: 'rm', summary: 'remove what is stored', load: async () => (await import('./rm.ts')).rm },
  { name: 'space', summary: 'show how the quota is used', load: async () => (await import('./space.ts')).space },
  { name: 'peers', summary: 'list the connected peers', load: async () => (await import('./peers.ts')).peers },
  { name: 'connect', summary: 'connect to a peer', load: async () => (await import('./connect.ts')).connect },
  {
    name: 'protect',
    summary: 'add parity, and cut into provable slots',
    load: async () => (await import('./protect.ts')).protect,
  },
  {
    name: 'slots list',
    summary: 'list the datasets that have slots',
    load: async () => (await import('./slotslist.ts')).slotsList,
  },
  {
    name: 'slots show',
    summary: 'show the slots of a dataset',
    load: async () => (await import('./slotsshow.ts')).slotsShow,
  },
  {
    name: 'slots build',
    summary: 'hash slots into trees',
    load: async () => (await import('./slotsbuild.ts')).slotsBuild,
  },
  {
    name: 'slots verify',
    summary: 'hash slots again and compare',
    load: async () => (await import('./slotsverify.ts')).slotsVerify,
  },
  {
    name: 'slots repair',
    summary: 'rebuild lost slots from others',
    load: async () => (await import('./slotsrepair.ts')).slotsRepair,
  },
  {
    name: 'proof-input',
    summary: 'print the input of the proving circuit',
    load: async () => (await import('./proofinput.ts')).proofInput,
  },
  {
    name: 'circuit build',
    summary: 'compile the circuit and make development keys',
    load: async () => (await import('./circuitbuild.ts')).circuitBuild,
  },
  {
    name: 'circuit info',
    summary: 'show the files of a circuit',
    load: async () => (await import('./circuitinfo.ts')).circuitInfo,
  },
  { name: 'prove', summary: 'prove that a slot is stored', load: async () => (await import('./prove.ts')).prove },
  {
    name: 'verify',
    summary: 'check a proof',
    load: async () => (await import('./verifyproof.ts')).verifyProof,
  },
  {
    name: 'bench',
    summary: 'measure how fast this machine proves',
    load: async () => (await import('./bench.ts')).bench,
  },
  {
    name: 'devnet',
    summary: 'run a local chain with the marketplace on it',
    load: async () => (await import('./devnet.ts')).devnet,
  },
  {
    name: 'availability add',
    summary: 'offer space for sale',
    load: async () => (await import('./availabilityadd.ts')).availabilityAdd,
  },
  {
    name: 'availability list',
    summary: 'list what is for sale',
    load: async () => (await import('./availabilitylist.ts')).availabilityList,
  },
  {
    name: 'availability set',
    summary: 'change the terms of a sale',
    load: async () => (await import('./availabilityset.ts')).availabilitySet,
  },
  {
    name: 'availability rm',
    summary: 'withdraw what is for sale',
    load: async () => (await import('./availabilityrm.ts')).availabilityRm,
  },
  {
    name: 'purchase create',
    summary: 'buy storage for a dataset',
    load: async () => (await import('./purchasecreate.ts')).purchaseCreate,
  },
  {
    name: 'purchase list',
    summary: 'list what was bought',
    load: async () => (await import('./purchaselist.ts')).purchaseList,
  },
  {
    name: 'purchase show',
    summary: 'show how a purchase stands',
    load: async () => (await import('./purchaseshow.ts')).purchaseShow,
  },
  {
    name: 'purchase withdraw',
    summary: 'take back what is left of a purchase',
    load: async () => (await import('./purchasewithdraw.ts')).purchaseWithdraw,
  },
  {
    name: 'earnings',
    summary: 'show what was earned and what is at stake',
    load: async () => (await import('./earnings.ts')).earnings,
  },
  {
    name: 'pause',
    summary: 'take no new slots',
    load: async () => (await import('./selling.ts')).pause,
  },
  {
    name: 'resume',
    summary: 'take new slots again',
    load: async () => (await import('./selling.ts')).resume,
  },
  {
    name: 'drain',
    summary: 'finish what runs, take nothing new',
    load: async () => (await import('./selling.ts')).drain,
  },
  {
    name: 'wallet new',
    summary: "make the node's key",
    load: async () => (await import('./walletnew.ts')).walletNew,
  },
  {
    name: 'wallet import',
    summary: "take a key from elsewhere as the node's",
    load: async () => (await import('./walletimport.ts')).walletImport,
  },
  {
    name: 'wallet show',
    summary: "show the node's address and what it has",
    load: async () => (await import('./walletshow.ts')).walletShow,
  },
  {
    name: 'wallet send',
    summary: 'send tokens or coins elsewhere',
    load: async () => (await import('./walletsend.ts')).walletSend,
  },
  {
    name: 'doctor',
    summary: 'look whether chain, key and clock are fit for selling',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'config print',
    summary: 'show every setting and where it came from',
    load: async () => (await import('./configprint.ts')).configPrint,
  },
]
