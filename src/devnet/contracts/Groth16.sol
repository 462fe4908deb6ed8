// SPDX-License-Identifier: MIT OR Apache-2.0
// A Groth16 proof over BN254 as calls carry it, and what a marketplace asks of a verifier. No arithmetic is here.
pragma solidity ^0.8.28;

/// @notice A point of the first group, affine; (0, 0) stands for infinity.
struct G1Point {
    uint256 x;
    uint256 y;
}

/// @notice real + imag · u. The precompiles want `imag` first, JSON proofs have `real` first.
struct Fp2Element {
    uint256 real;
    uint256 imag;
}

/// @notice A point of the second group, affine; all zeros stand for infinity.
struct G2Point {
    Fp2Element x;
    Fp2Element y;
}

struct Groth16Proof {
    G1Point a;
    G2Point b;
    G1Point c;
}

/// @notice What a circuit's setup published. `ic` holds one point more than the circuit has public inputs.
struct VerifyingKey {
    G1Point alpha1;
    G2Point beta2;
    G2Point gamma2;
    G2Point delta2;
    G1Point[] ic;
}

interface IGroth16Verifier {
    /// @param input public inputs in the circuit's order
    /// @return whether `proof` shows that the circuit accepts `input`
    function verify(Groth16Proof calldata proof, uint256[] calldata input) external view returns (bool);
}
