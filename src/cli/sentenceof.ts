// An error in words for the person at the command line: sizes with their units, and which command helps. Numbers for programs stay in its detail.

import type { CodexError } from '../lib/errors.ts'
import { formatBytes, formatSizes } from '../lib/format.ts'
import { adviceFor } from './advicefor.ts'

export function sentenceOf(error: CodexError): string {
  const sentence = error.code === 'store/quota-exceeded' ? quotaSentence(error) : error.message
  const advice = adviceFor(error.code)
  return advice === undefined ? sentence : `${sentence}${sentence.endsWith('?') ? '' : ';'} ${advice}`
}

function quotaSentence({ message, detail }: CodexError): string {
  const { neededBytes, freeBytes, quotaBytes } = detail
  if (typeof neededBytes !== 'number' || typeof freeBytes !== 'number' || typeof quotaBytes !== 'number') return message
  const [needed, free] = formatSizes(neededBytes, freeBytes)
  return `${needed} more do not fit: ${free} of ${formatBytes(quotaBytes)} are free; raise --storage-quota or remove data`
}
