// Plain JavaScript beside this, because the process of a measurement runs it as it is.

export declare function peakRssMiB(): number
