// Where the marketplace lies on the chains we know (marketplace reference §3.11). A configured address always wins over this table.

const ADDRESSES: ReadonlyMap<number, string> = new Map([
  [31_337, '0x322813fd9a801c5507c9de605d63cea4f2ce6c44'],
  [167_005, '0x948cf9291b77bd7ad84781b9047129addf1b894f'],
  [789_987, '0x5378a4ea5da2a548ce22630a3ae74b052000c62d'],
  [1_660_990_954, '0x34f606c65869277f236ce07abe9af0b8c88f486b'],
])

/** Lower case; undefined on a chain we do not know. */
export function marketplaceAddress(chainId: number): string | undefined {
  return ADDRESSES.get(chainId)
}
