// SPDX-License-Identifier: MIT OR Apache-2.0
// The marketplace with its insides within a test's reach. Never deployed outside tests.
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MarketplaceConfig} from "../../src/devnet/contracts/Configuration.sol";
import {IGroth16Verifier} from "../../src/devnet/contracts/Groth16.sol";
import {Marketplace} from "../../src/devnet/contracts/Marketplace.sol";

contract TestMarketplace is Marketplace {
    constructor(
        MarketplaceConfig memory config,
        IERC20 token_,
        IGroth16Verifier verifier
    ) Marketplace(config, token_, verifier) {}

    /// @notice As if too many proofs were missing.
    function forciblyFreeSlot(bytes32 slotId) external {
        _evict(slotId);
    }

    function getSlotCollateral(bytes32 slotId) external view returns (uint256) {
        return _slots[slotId].collateral;
    }

    function challengeToFieldElement(bytes32 challenge) external pure returns (uint256) {
        return _challengeElement(challenge);
    }

    function merkleRootToFieldElement(bytes32 merkleRoot) external pure returns (uint256) {
        return _rootElement(merkleRoot);
    }
}
