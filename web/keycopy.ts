// Whether the key is anywhere else than in this browser: as a copy that was saved from here, or where it was brought along from. Noted in the browser, without the key.

const KEPT = 'codex-light/key-copy'

/** A copy of this keystore, or of the key in it, is elsewhere. */
export function noteCopied(keystore: string): void {
  localStorage.setItem(KEPT, nameOf(keystore))
}

export function isCopied(keystore: string): boolean {
  return localStorage.getItem(KEPT) === nameOf(keystore)
}

/** Hands it to the person as a file. @param keystore as wallets write them */
export function saveKeystore(keystore: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([keystore], { type: 'application/json' }))
  const address = /"address"\s*:\s*"(?:0x)?([0-9a-f]{8})/i.exec(keystore)?.[1] ?? 'key'
  link.download = `codex-light-${address.toLowerCase()}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
  noteCopied(keystore)
}

/** Not all name their address; the others are told apart by what seals them. */
function nameOf(keystore: string): string {
  return /"(?:address|mac)"\s*:\s*"(?:0x)?([0-9a-f]+)/i.exec(keystore)?.[1]?.toLowerCase() ?? 'a key without a name'
}
