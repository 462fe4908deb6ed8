// SPDX-License-Identifier: MIT OR Apache-2.0
// Verifies Groth16 proofs for the one circuit whose key it was deployed with.
pragma solidity ^0.8.28;

import {G1Point, G2Point, Groth16Proof, IGroth16Verifier, VerifyingKey} from "./Groth16.sol";

/// @title Groth16 verifier over BN254, standing on the precompiles of EIP-196 and EIP-197
/// @dev Answers false, and never reverts, for whatever is not a valid proof. A precompile takes all the gas it is given when a point is
/// not on its curve, so callers do well to bound it.
contract Groth16Verifier is IGroth16Verifier {
    /// @dev Order of the groups: public inputs are numbers below it.
    uint256 private constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// @dev Order of the field that coordinates lie in.
    uint256 private constant P = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    address private constant ADD = address(6);
    address private constant MULTIPLY = address(7);
    address private constant PAIRING = address(8);

    VerifyingKey private _key;

    /// @param key copied as it is: a key with a point off its curve makes every answer false
    constructor(VerifyingKey memory key) {
        _key.alpha1 = key.alpha1;
        _key.beta2 = key.beta2;
        _key.gamma2 = key.gamma2;
        _key.delta2 = key.delta2;
        for (uint256 i = 0; i < key.ic.length; i++) {
            _key.ic.push(key.ic[i]);
        }
    }

    /// @inheritdoc IGroth16Verifier
    /// @dev e(-a, b) · e(alpha, beta) · e(ic[0] + Σ input[i] · ic[i + 1], gamma) · e(c, delta) = 1
    function verify(Groth16Proof calldata proof, uint256[] calldata input) external view returns (bool) {
        (bool valid, G1Point memory combined) = _combine(input);
        if (!valid || proof.a.x >= P || proof.a.y >= P) return false;
        uint256[24] memory pairs;
        _putPair(pairs, 0, G1Point(proof.a.x, (P - proof.a.y) % P), proof.b);
        _putPair(pairs, 6, _key.alpha1, _key.beta2);
        _putPair(pairs, 12, combined, _key.gamma2);
        _putPair(pairs, 18, proof.c, _key.delta2);
        return _pairingIsOne(pairs);
    }

    /// @return valid false for a wrong number of inputs, one that is too large, or a key with a point off its curve
    /// @return sum ic[0] + Σ input[i] · ic[i + 1]
    function _combine(uint256[] calldata input) private view returns (bool valid, G1Point memory sum) {
        if (input.length + 1 != _key.ic.length) return (false, sum);
        sum = _key.ic[0];
        for (uint256 i = 0; i < input.length; i++) {
            if (input[i] >= R) return (false, sum);
            G1Point memory term;
            (valid, term) = _multiply(_key.ic[i + 1], input[i]);
            if (!valid) return (false, sum);
            (valid, sum) = _add(sum, term);
            if (!valid) return (false, sum);
        }
        valid = true;
    }

    function _add(G1Point memory p, G1Point memory q) private view returns (bool valid, G1Point memory sum) {
        uint256[4] memory words = [p.x, p.y, q.x, q.y];
        address precompile = ADD;
        assembly ("memory-safe") {
            valid := staticcall(gas(), precompile, words, 0x80, sum, 0x40)
        }
    }

    function _multiply(G1Point memory p, uint256 scalar) private view returns (bool valid, G1Point memory product) {
        uint256[3] memory words = [p.x, p.y, scalar];
        address precompile = MULTIPLY;
        assembly ("memory-safe") {
            valid := staticcall(gas(), precompile, words, 0x60, product, 0x40)
        }
    }

    /// @dev Writes a pair as EIP-197 reads it, six words from `first` on: imaginary parts go first.
    function _putPair(uint256[24] memory pairs, uint256 first, G1Point memory p, G2Point memory q) private pure {
        pairs[first] = p.x;
        pairs[first + 1] = p.y;
        pairs[first + 2] = q.x.imag;
        pairs[first + 3] = q.x.real;
        pairs[first + 4] = q.y.imag;
        pairs[first + 5] = q.y.real;
    }

    function _pairingIsOne(uint256[24] memory pairs) private view returns (bool) {
        address precompile = PAIRING;
        bool valid;
        uint256[1] memory answer;
        assembly ("memory-safe") {
            valid := staticcall(gas(), precompile, pairs, 0x300, answer, 0x20)
        }
        return valid && answer[0] == 1;
    }
}
