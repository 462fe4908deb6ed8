// SPDX-License-Identifier: MIT OR Apache-2.0
// Stands in for a verifier where nobody proves anything: tests, and local chains without a circuit.
pragma solidity ^0.8.28;

import {G1Point, G2Point, Groth16Proof, IGroth16Verifier} from "./Groth16.sol";

/// @title Verifier that accepts every proof except the one of all zeros
/// @dev The one exception lets a test fail a proof on purpose.
contract AnyProofVerifier is IGroth16Verifier {
    /// @inheritdoc IGroth16Verifier
    function verify(Groth16Proof calldata proof, uint256[] calldata) external pure returns (bool) {
        return !(_isZero(proof.a) && _isZero(proof.b) && _isZero(proof.c));
    }

    function _isZero(G1Point calldata p) private pure returns (bool) {
        return p.x == 0 && p.y == 0;
    }

    function _isZero(G2Point calldata p) private pure returns (bool) {
        return p.x.real == 0 && p.x.imag == 0 && p.y.real == 0 && p.y.imag == 0;
    }
}
