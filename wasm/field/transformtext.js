// Writes the passes of the number-theoretic transform, two levels at a time, and the loop that multiplies coefficients by witnesses.
// In what order they run, and over which arrays, is transform.ts's and coefficients.ts's.

import { indented } from './fieldtext.js'
import { ELEMENT_BYTES } from './sizes.js'

export function transformText(variant) {
  const vector = ELEMENT_BYTES * variant.lanes
  const body = (write) => {
    const lanes = variant.newLanes()
    write(lanes)
    const constants = variant.constants()
    return { constants: indented(constants), lines: indented(lanes.lines) }
  }
  const names = (letter) => Array.from({ length: variant.lanes }, (_, lane) => `${letter}${lane}`)
  const twiddle = body((lanes) => {
    for (const [lane, name] of names('w').entries()) {
      lanes.line(`const ${name}Tagged = twiddleAt(index + ${lane} * apart, inverse)`)
      lanes.line(`const ${name} = ${name}Tagged & ~7`)
    }
    lanes.store('to', lanes.least(lanes.negatedWhere(names('w'), lanes.gather(names('w')))), 0, 'least')
  })
  const fall4 = body((lanes) => fall(lanes, vector))
  const rise4 = body((lanes) => rise(lanes, vector))
  const fall2 = body((lanes) => {
    const a = lanes.load('at')
    const b = lanes.multiply(lanes.load('at + step'), lanes.load('TWIDDLES', 0, 'least'))
    lanes.store('at', lanes.fit(lanes.add(a, b)))
    lanes.store('at + step', lanes.fit(lanes.subtract(a, b)))
  })
  const rise2 = body((lanes) => {
    const a = lanes.load('at')
    const b = lanes.load('at + step')
    lanes.store('at', lanes.fit(lanes.add(a, b)))
    lanes.store('at + step', lanes.fit(lanes.multiply(lanes.subtract(a, b), lanes.load('TWIDDLES', 0, 'least'))))
  })
  const cross = body((lanes) => {
    if (variant.lanes === 2) lanes.store('at', lanes.fit(lanes.crossed(lanes.load('at'))))
  })
  const shift = body((lanes) => {
    names('z').forEach((name, lane) =>
      lanes.line(`const ${name} = ROOT_TABLE + ${ELEMENT_BYTES} * (index + ${lane} * apart)`),
    )
    lanes.store('at', lanes.fit(lanes.multiply(lanes.load('at'), lanes.gather(names('z')))))
  })
  const rows = body((lanes) => accumulate(lanes, variant.lanes))
  return `
function placeTwiddle(to: usize, index: usize, apart: usize, inverse: bool): void {
${twiddle.constants}${twiddle.lines}}

export function fall4(at: usize, end: usize, step: usize): void {
${fall4.constants}  for (; at < end; at += ${vector}) {
${fall4.lines}  }
}

export function rise4(at: usize, end: usize, step: usize): void {
${rise4.constants}  for (; at < end; at += ${vector}) {
${rise4.lines}  }
}

export function fall2(at: usize, end: usize, step: usize): void {
${fall2.constants}  for (; at < end; at += ${vector}) {
${fall2.lines}  }
}

export function rise2(at: usize, end: usize, step: usize): void {
${rise2.constants}  for (; at < end; at += ${vector}) {
${rise2.lines}  }
}

export function cross(at: usize, end: usize): void {
${cross.constants}  for (; at < end; at += ${vector}) {
${cross.lines}  }
}

export function shift(at: usize, end: usize, index: usize, apart: usize): void {
${shift.constants}  for (; at < end; at += ${vector}) {
${shift.lines}    index++
  }
}

export function place4(index: usize, apart: usize, inverse: bool): void {
  placeTwiddle(TWIDDLES, index, apart, inverse)
  placeTwiddle(TWIDDLES + ${vector}, 2 * index, 2 * apart, inverse)
  placeTwiddle(TWIDDLES + ${2 * vector}, 2 * index + 1, 2 * apart, inverse)
}

export function place2(index: usize, apart: usize, inverse: bool): void {
  placeTwiddle(TWIDDLES, index, apart, inverse)
}

export function accumulateRows(values: usize, places: usize, end: usize, witness: usize, rows: usize): void {
${rows.constants}  while (values < end) {
${rows.lines}    values += ${vector}
    places += ${8 * variant.lanes}
  }
}
`
}

const STEPS = ['at', 'at + step', 'at + 2 * step', 'at + 3 * step']

function twiddles(lanes, vector) {
  return [0, 1, 2].map((i) => lanes.load('TWIDDLES', vector * i, 'least'))
}

/** From wide to narrow: sums and differences with products. */
function fall(lanes, vector) {
  const [w, wLow, wHigh] = twiddles(lanes, vector)
  const [x0, x1, x2, x3] = STEPS.map((at) => lanes.load(at))
  const [t2, t3] = [x2, x3].map((x) => lanes.multiply(x, w))
  const y1 = lanes.multiply(lanes.add(x1, t3), wLow)
  const y3 = lanes.multiply(lanes.subtract(x1, t3), wHigh)
  const y0 = lanes.add(x0, t2)
  const y2 = lanes.subtract(x0, t2)
  const sums = [lanes.add(y0, y1), lanes.subtract(y0, y1), lanes.add(y2, y3), lanes.subtract(y2, y3)]
  sums.forEach((sum, i) => lanes.store(STEPS[i], lanes.fit(sum)))
}

/** From narrow to wide: products of differences. */
function rise(lanes, vector) {
  const [w, wLow, wHigh] = twiddles(lanes, vector)
  const [x0, x1, x2, x3] = STEPS.map((at) => lanes.load(at))
  const y0 = lanes.add(x0, x1)
  const y1 = lanes.multiply(lanes.subtract(x0, x1), wLow)
  const y2 = lanes.add(x2, x3)
  const y3 = lanes.multiply(lanes.subtract(x2, x3), wHigh)
  lanes.store(STEPS[0], lanes.fit(lanes.add(y0, y2)))
  lanes.store(STEPS[1], lanes.fit(lanes.add(y1, y3)))
  lanes.store(STEPS[2], lanes.fit(lanes.multiply(lanes.subtract(y0, y2), w)))
  lanes.store(STEPS[3], lanes.fit(lanes.multiply(lanes.subtract(y1, y3), w)))
}

/** One coefficient per lane, each added to a row of its own. Rows lie in arrays of vectors: an element's digits are a vector's apart. */
function accumulate(lanes, count) {
  const all = Array.from({ length: count }, (_, lane) => lane)
  for (const lane of all) {
    lanes.line(`const s${lane} = witness + ${ELEMENT_BYTES} * <usize>load<u32>(places, ${8 * lane})`)
    lanes.line(`const r${lane} = rows + <usize>load<u32>(places, ${8 * lane + 4})`)
  }
  const product = lanes.multiply(lanes.load('values'), lanes.gather(all.map((lane) => `s${lane}`)))
  const rows = all.map((lane) => `r${lane}`)
  lanes.scatterApart(rows, lanes.fit(lanes.add(product, lanes.gatherApart(rows))))
}
