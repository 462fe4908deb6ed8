// Numbers in binary, lowest bit first. Every bit that leaves here is proven to be one.

pragma circom 2.1.0;

// The bits of a number below 2^count; of a larger one there are none, and nothing can be proven.
// count is at most 253, so that no two numbers share their bits.
template Bits(count) {
  assert(count <= 253);
  signal input number;
  signal output bits[count];
  var sum = 0;
  for (var i = 0; i < count; i++) {
    bits[i] <-- (number >> i) & 1;
    bits[i] * (1 - bits[i]) === 0;
    sum += 2 ** i * bits[i];
  }
  sum === number;
}

// All 254 bits of an element's canonical integer. Numbers between the field's order and 2^254 have the same remainder as
// some smaller one: were they let through, the prover could choose between two sets of bits for many elements.
//
// Bits are held against those of the largest element, from the top. The prefix is level while it equals that one's; where
// the largest has a zero, a level prefix allows no one. That and being a bit are one constraint.
template CanonicalBits() {
  signal input element;
  signal output bits[254];
  var largest = -1;
  var sum = 0;
  signal level[255];
  level[254] <== 1;
  for (var i = 253; i >= 0; i--) {
    bits[i] <-- (element >> i) & 1;
    if ((largest >> i) & 1 == 1) {
      bits[i] * (1 - bits[i]) === 0;
      level[i] <== level[i + 1] * bits[i];
    } else {
      bits[i] * (1 - level[i + 1] - bits[i]) === 0;
      level[i] <== level[i + 1];
    }
    sum += 2 ** i * bits[i];
  }
  sum === element;
}
