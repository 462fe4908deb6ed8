// One measurement in a process of its own, so that its peak of memory is its own too. The harness starts it; people do not.
// Arguments: the bench's module (URL), the side to measure, the place (JSON). Answers one line of JSON on stdout.

import { peakRssMiB } from './peakmemory.js'

const [, , module, side, place] = process.argv
const { bench } = await import(module)
const figures = await bench.sides[side](JSON.parse(place))
process.stdout.write(`${JSON.stringify({ peakRssMiB: peakRssMiB(), ...figures })}\n`)
