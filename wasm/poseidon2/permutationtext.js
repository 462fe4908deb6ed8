// What the modules `arithmetic` of all variants have in common: the order of rounds and the tables they read. The lines inside
// the rounds are the variant's own.

/**
 * @param variant `elementBytes` of a word of the state, `constantBytes` of an element in a table, `roundsTogether` as many inner
 *   rounds as `lines.inner` has, `lines` the bodies `{ boxed, linear, inner, adding }`, `table(elements)` the expression that
 *   places elements in memory
 * @param constants `{ external, internal }`, rows of three and single elements
 */
export function permutationText({ elementBytes, constantBytes, roundsTogether, lines, table }, { external, internal }) {
  return `/** Of the linear layers up to the first inner round, one row of three words each. */
const BEFORE: usize = ${table([...external.slice(0, 4).flat(), internal[0], 0n, 0n])}
/** Of the first word after each inner round. */
const INNER: usize = ${table([...internal.slice(1), 0n])}
/** Added after the inner rounds, and then after each outer one. */
const AFTER: usize = ${table([...external.slice(4).flat(), 0n, 0n, 0n])}

export function clear(word: usize): void {
  memory.fill(STATE + ${elementBytes} * word, 0, ${elementBytes})
}

function box(word: usize): void {
${lines.boxed}}

function linear(constants: usize): void {
${lines.linear}}

function add(constants: usize): void {
${lines.adding}}

function outer(constants: usize): void {
  for (let round: usize = 0; round < 4; round++) {
    for (let word: usize = 0; word < 3; word++) box(STATE + ${elementBytes} * word)
    linear(constants + ${3 * constantBytes} * round)
  }
}

function inner(): void {
  const end = INNER + ${internal.length * constantBytes}
  for (let constants = INNER; constants < end; constants += ${roundsTogether * constantBytes}) {
${lines.inner}  }
}

export function permute(): void {
  linear(BEFORE)
  outer(BEFORE + ${3 * constantBytes})
  inner()
  add(AFTER)
  outer(AFTER + ${3 * constantBytes})
}
`
}
