// SPDX-License-Identifier: MIT OR Apache-2.0
// A verifier whose proofs are the public inputs themselves, so that a test sees what the marketplace asks.
pragma solidity ^0.8.28;

import {Groth16Proof, IGroth16Verifier} from "../../src/devnet/contracts/Groth16.sol";

contract InputsVerifier is IGroth16Verifier {
    /// @inheritdoc IGroth16Verifier
    function verify(Groth16Proof calldata proof, uint256[] calldata input) external pure returns (bool) {
        return input.length == 3 && proof.a.x == input[0] && proof.a.y == input[1] && proof.c.x == input[2];
    }
}
