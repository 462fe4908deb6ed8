// What a page says to the worker that keeps its timers. A shape and nothing else.

/** The worker says the number when its time has come. */
export type TimerOrder = { readonly set: number; readonly delayMs: number } | { readonly clear: number }
