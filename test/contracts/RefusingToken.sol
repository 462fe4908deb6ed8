// SPDX-License-Identifier: MIT OR Apache-2.0
// A token that can be told to move nothing and say so, instead of reverting.
pragma solidity ^0.8.28;

contract RefusingToken {
    bool private _refuses;

    function refuse(bool refuses) external {
        _refuses = refuses;
    }

    function transfer(address, uint256) external view returns (bool) {
        return !_refuses;
    }

    function transferFrom(address, address, uint256) external view returns (bool) {
        return !_refuses;
    }
}
