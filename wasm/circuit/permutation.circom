// The Poseidon2 permutation over three elements (data reference 2.4). It knows neither sponges nor trees.
//
// The round constants are those of ../poseidon2/poseidon2constants.json: the build writes constants.circom from it.
//
// How it is counted: a fifth power takes three constraints, and there is nothing else in them, because sums cost nothing.
// In each product the higher power stands left, so that a fourth power is in no right-hand side: a third of the wires is
// then absent from the proof's multiplication in G2, which is the dear one.

pragma circom 2.1.0;

include "constants.circom";

template FourthPower() {
  signal input base;
  signal square <== base * base;
  signal output power <== square * square;
}

template FifthPower() {
  signal input base;
  signal fourth <== FourthPower()(base);
  signal output power <== fourth * base;
}

// Both kinds of outer layer: each word and the sum of all, which is the matrix circ(2, 1, 1).
template Spread() {
  signal input words[3];
  signal output spread[3];
  var sum = words[0] + words[1] + words[2];
  for (var i = 0; i < 3; i++) spread[i] <== words[i] + sum;
}

template ExternalRound(round) {
  signal input words[3];
  signal output spread[3];
  var constants[8][3] = external_constants();
  signal powers[3];
  for (var i = 0; i < 3; i++) powers[i] <== FifthPower()(words[i] + constants[round][i]);
  spread <== Spread()(powers);
}

// All 56 internal rounds. Only the first word meets a power, so only it becomes a signal in each round; the other two
// stay linear sums of those signals, with the power recovered from the word it went into: word = 2 * power + (y + z).
template InternalRounds() {
  signal input words[3];
  signal output after[3];
  var constants[56] = internal_constants();
  var half = 1 / 2;
  signal first[57];
  signal fourth[56];
  first[0] <== words[0];
  var y = words[1];
  var z = words[2];
  for (var round = 0; round < 56; round++) {
    var base = first[round] + constants[round];
    fourth[round] <== FourthPower()(base);
    var rest = y + z;
    first[round + 1] <== 2 * fourth[round] * base + rest;
    var sum = half * (first[round + 1] + rest);
    y = y + sum;
    z = 2 * z + sum;
  }
  after <== [first[56], y, z];
}

template Permutation() {
  signal input words[3];
  signal output after[3];
  signal opening[5][3];
  signal closing[5][3];
  opening[0] <== Spread()(words);
  for (var round = 0; round < 4; round++) opening[round + 1] <== ExternalRound(round)(opening[round]);
  closing[0] <== InternalRounds()(opening[4]);
  for (var round = 0; round < 4; round++) closing[round + 1] <== ExternalRound(4 + round)(closing[round]);
  after <== closing[4];
}
