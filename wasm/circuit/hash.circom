// The two hashes made of the permutation: the keyed compression of tree nodes and the sponge of rate 2 (data reference
// 2.5 and 2.7). Shapes of trees are tree.circom's.

pragma circom 2.1.0;

include "permutation.circom";

template Compress() {
  signal input left;
  signal input right;
  signal input key;
  signal after[3] <== Permutation()([left, right, key]);
  signal output node <== after[0];
}

// Absorbs two elements at a time; the message is closed by a one, and by a zero where that leaves a half pair.
template Sponge(count) {
  signal input elements[count];
  var pairs = (count + 2) \ 2;
  var message[2 * pairs];
  for (var i = 0; i < count; i++) message[i] = elements[i];
  message[count] = 1;
  signal state[pairs + 1][3];
  state[0] <== [0, 0, 2 ** 64 + 256 * 3 + 2];
  for (var i = 0; i < pairs; i++) {
    state[i + 1] <== Permutation()([
      state[i][0] + message[2 * i],
      state[i][1] + message[2 * i + 1],
      state[i][2]
    ]);
  }
  signal output digest <== state[pairs][0];
}
