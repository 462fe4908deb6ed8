// SPDX-License-Identifier: MIT OR Apache-2.0
// Time in periods: whole multiples of a span, counted from 1970. Nothing about proofs.
pragma solidity ^0.8.28;

abstract contract Periods {
    error Periods_InvalidSecondsPerPeriod();

    uint64 internal immutable _secondsPerPeriod;

    constructor(uint64 secondsPerPeriod) {
        if (secondsPerPeriod == 0) revert Periods_InvalidSecondsPerPeriod();
        _secondsPerPeriod = secondsPerPeriod;
    }

    function _periodOf(uint64 timestamp) internal view returns (uint64) {
        return timestamp / _secondsPerPeriod;
    }

    function _currentPeriod() internal view returns (uint64) {
        return _periodOf(_now());
    }

    /// @return the first second that is no longer in `period`
    function _endOf(uint64 period) internal view returns (uint64) {
        return (period + 1) * _secondsPerPeriod;
    }

    function _now() internal view returns (uint64) {
        return uint64(block.timestamp);
    }
}
