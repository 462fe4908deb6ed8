// A small EVM program that asks a contract several questions about many slots within one `eth_call`, so that all answers are of one block, which
// it names. It is never deployed: it runs as the creation of a contract, which every node can simulate.

import { id as keccakOfText } from 'ethers/hash'
import { CodexError } from '../lib/errors.ts'

/** What one call of the program returned. */
export interface ProbeAnswer {
  readonly block: number
  readonly timestamp: number
  /** Per id, per question: the first word of the answer; undefined where the contract reverted. */
  readonly words: readonly (readonly (bigint | undefined)[])[]
}

const WORD_BYTES = 32
/** A created contract may not be larger, and the answer poses as one (EIP-170). */
const MAX_ANSWER_BYTES = 24_576
/** Success as one byte, then the word. */
const ANSWER_BYTES = 1 + WORD_BYTES

const OPCODES = {
  add: 0x01,
  sub: 0x03,
  lt: 0x10,
  codesize: 0x38,
  codecopy: 0x39,
  timestamp: 0x42,
  number: 0x43,
  mload: 0x51,
  mstore: 0x52,
  mstore8: 0x53,
  jump: 0x56,
  jumpi: 0x57,
  gas: 0x5a,
  jumpdest: 0x5b,
  dup1: 0x80,
  return: 0xf3,
  staticcall: 0xfa,
} as const

/** An operation, a number to push, the place of a label to push (`@name`), or a label (`name:`). */
type Line = keyof typeof OPCODES | number | `@${string}` | `${string}:`

/** Places in memory. Below them the call's data (0x00) and its answer (0x40); above the arguments, then what is returned. */
const [OUT, ID, QUESTION, ID_START, END, ARGUMENTS] = [0x60, 0x80, 0xa0, 0xc0, 0xe0, 0x100]
const get = (place: number): Line[] => [place, 'mload']
const set = (place: number): Line[] => [place, 'mstore']
const raise = (place: number, by: number): Line[] => [by, ...get(place), 'add', ...set(place)]

/** The arguments lie behind the program: contract, number of questions, the questions' selectors, the ids; a word each. */
const PROGRAM: readonly Line[] = [
  ...['@end', 'codesize', 'sub', 'dup1', '@end', ARGUMENTS, 'codecopy'],
  ...[ARGUMENTS, 'add', 'dup1', ...set(END), ...set(OUT)],
  ...['number', ...get(OUT), 'mstore', ...raise(OUT, WORD_BYTES)],
  ...['timestamp', ...get(OUT), 'mstore', ...raise(OUT, WORD_BYTES)],
  // Where the ids begin: behind as many questions as the second argument says, which comes multiplied by the size of a word.
  ...[...get(ARGUMENTS + WORD_BYTES), ARGUMENTS + 2 * WORD_BYTES, 'add', 'dup1', ...set(ID_START), ...set(ID)],
  ...['ids:', 'jumpdest', ...get(END), ...get(ID), 'lt', '@id', 'jumpi'],
  ...[...get(END), ...get(OUT), 'sub', ...get(END), 'return'],
  ...['id:', 'jumpdest', ARGUMENTS + 2 * WORD_BYTES, ...set(QUESTION)],
  ...['questions:', 'jumpdest', ...get(ID_START), ...get(QUESTION), 'lt', '@question', 'jumpi'],
  ...[...raise(ID, WORD_BYTES), '@ids', 'jump'],
  ...[
    'question:',
    'jumpdest',
    ...get(QUESTION),
    'mload',
    0,
    'mstore',
    ...get(ID),
    'mload',
    4,
    'mstore',
    0,
    0x40,
    'mstore',
  ],
  ...[WORD_BYTES, 0x40, 4 + WORD_BYTES, 0, ...get(ARGUMENTS), 'gas', 'staticcall', ...get(OUT), 'mstore8'],
  ...[0x40, 'mload', 1, ...get(OUT), 'add', 'mstore', ...raise(OUT, ANSWER_BYTES)],
  ...[...raise(QUESTION, WORD_BYTES), '@questions', 'jump'],
] as Line[]

/** How many ids one call can answer `questions` for. */
export function idsPerProbe(questions: number): number {
  return Math.floor((MAX_ANSWER_BYTES - 2 * WORD_BYTES) / (questions * ANSWER_BYTES))
}

/** @param questions forms of functions that take an id: `slotState(bytes32)` @returns data of the `eth_call` */
export function probeData(contract: string, questions: readonly string[], ids: readonly string[]): string {
  const words = [
    contract.slice(2).padStart(2 * WORD_BYTES, '0'),
    (questions.length * WORD_BYTES).toString(16).padStart(2 * WORD_BYTES, '0'),
    ...questions.map((question) =>
      keccakOfText(question)
        .slice(2, 10)
        .padEnd(2 * WORD_BYTES, '0'),
    ),
    ...ids.map((id) => id.slice(2)),
  ]
  return `0x${CODE}${words.join('')}`
}

/** @throws CodexError `market/bad-answer` when it is not such a program's answer */
export function readProbe(data: string, questions: number, ids: number): ProbeAnswer {
  const expectedBytes = 2 * WORD_BYTES + questions * ids * ANSWER_BYTES
  if (data.length !== 2 + 2 * expectedBytes) {
    const foundBytes = Math.floor(data.length / 2) - 1
    throw new CodexError('market/bad-answer', `expected ${expectedBytes} bytes of answers, found ${foundBytes}`, {
      detail: { expectedBytes, foundBytes },
    })
  }
  const at = (byte: number, length: number) => BigInt(`0x${data.slice(2 + 2 * byte, 2 + 2 * (byte + length))}`)
  const word = (index: number) => {
    const start = 2 * WORD_BYTES + index * ANSWER_BYTES
    return at(start, 1) === 1n ? at(start + 1, WORD_BYTES) : undefined
  }
  return {
    block: Number(at(0, WORD_BYTES)),
    timestamp: Number(at(WORD_BYTES, WORD_BYTES)),
    words: Array.from({ length: ids }, (_, id) =>
      Array.from({ length: questions }, (_, i) => word(id * questions + i)),
    ),
  }
}

const CODE = assembled([...PROGRAM, 'end:'])

/** Hex. Numbers and labels are pushed as two bytes, so that places are known before they are. */
function assembled(lines: readonly Line[]): string {
  const places = new Map<string, number>()
  let length = 0
  for (const line of lines) {
    if (typeof line === 'string' && line.endsWith(':')) places.set(line.slice(0, -1), length)
    else length += typeof line === 'number' || line.startsWith('@') ? 3 : 1
  }
  const push = (value: number) => `61${value.toString(16).padStart(4, '0')}`
  return lines
    .map((line) => {
      if (typeof line === 'number') return push(line)
      if (line.endsWith(':')) return ''
      if (line.startsWith('@')) return push(places.get(line.slice(1)) ?? 0)
      return OPCODES[line as keyof typeof OPCODES].toString(16).padStart(2, '0')
    })
    .join('')
}
