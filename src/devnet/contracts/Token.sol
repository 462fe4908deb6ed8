// SPDX-License-Identifier: MIT OR Apache-2.0
// The money of a local chain. It is worth nothing: anyone may make more of it.
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title ERC-20 with 18 decimals that anyone may mint
contract Token is ERC20 {
    constructor() ERC20("Local Test Token", "LTT") {}

    /// @notice Gives `holder` `amount` new base units.
    function mint(address holder, uint256 amount) external {
        _mint(holder, amount);
    }
}
