// Writes the functions of one prime field: vectors in and out of memory, sums and products of vectors and of whole arrays of them.
// What they are for is said in assembly/arithmetic.ts.

import { ELEMENT_BYTES } from './sizes.js'

/** @param name ends the names of the functions: R or Q */
export function fieldText(name, variant) {
  const vector = ELEMENT_BYTES * variant.lanes
  const body = (write) => {
    const lanes = variant.newLanes()
    write(lanes)
    const constants = variant.constants()
    return { constants: indented(constants), lines: indented(lanes.lines) }
  }
  const both = (lanes) => [lanes.load('a'), lanes.load('b')]
  const operations = {
    multiply: (lanes) => lanes.store('to', lanes.fit(lanes.multiply(...both(lanes)))),
    add: (lanes) => lanes.store('to', lanes.fit(lanes.add(...both(lanes)))),
    subtract: (lanes) => lanes.store('to', lanes.fit(lanes.subtract(...both(lanes)))),
  }
  const written = Object.entries(operations).map(([verb, write]) => {
    const { constants, lines } = body(write)
    return `
export function ${verb}${name}(to: usize, a: usize, b: usize): void {
${constants}${lines}}

export function ${verb}All${name}(to: usize, a: usize, b: usize, vectors: usize): void {
${constants}  for (const end = to + ${vector} * vectors; to < end; to += ${vector}) {
${lines}    a += ${vector}
    b += ${vector}
  }
}
`
  })
  const times = body((lanes) => {
    const [a, b] = ['a', 'b'].map((address) => lanes.load(address, 0, 'product'))
    lanes.store('to', lanes.fit(lanes.multiply(a, b)))
  })
  const square = body((lanes) => {
    const a = lanes.load('a')
    lanes.store('to', lanes.fit(lanes.multiply(a, a)))
  })
  const least = body((lanes) => lanes.store('to', lanes.least(lanes.load('a'))))
  const scale = body((lanes) => lanes.store('to', lanes.fit(lanes.multiply(lanes.load('a'), lanes.splat('factor')))))
  const enter = body((lanes) =>
    lanes.store('to', lanes.least(lanes.multiply(lanes.loadWhole('SCRATCH'), lanes.splat('factor')))),
  )
  const leave = body((lanes) => lanes.store('SCRATCH', lanes.multiply(lanes.load('from'), lanes.splat('factor'))))
  const perLane = (lineOf) => Array.from({ length: variant.lanes }, (_, lane) => `  ${lineOf(lane)}\n`).join('')
  return `${written.join('')}
function times${name}(to: usize, a: usize, b: usize): void {
${times.constants}${times.lines}}

export function square${name}(to: usize, a: usize): void {
${square.constants}${square.lines}}

export function least${name}(to: usize, a: usize): void {
${least.constants}${least.lines}}

export function scaleAll${name}(to: usize, a: usize, factor: usize, vectors: usize): void {
${scale.constants}  for (const end = to + ${vector} * vectors; to < end; to += ${vector}) {
${scale.lines}    a += ${vector}
  }
}

export function enter${name}(to: usize, from: usize, stride: usize, factor: usize): void {
${perLane((lane) => `unpack(from + ${lane} * stride, ${lane})`)}${enter.constants}${enter.lines}}

export function leave${name}(from: usize, to: usize, stride: usize, factor: usize): void {
${leave.constants}${leave.lines}${perLane((lane) => `pack${name}(${lane}, to + ${lane} * stride)`)}}
`
}

export function indented(lines) {
  return lines.map((line) => `    ${line}\n`).join('')
}
