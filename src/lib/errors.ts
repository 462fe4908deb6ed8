// The one class for operational errors: what a caller or a person can act on. Programmer errors are `assert`s instead.

/** Plain data that crosses threads and JSON unchanged: what was expected, what was found, with units in the names. */
export type ErrorDetail = Readonly<Record<string, string | number | bigint | boolean | null | undefined>>

/**
 * An operational error. `code` is stable public API, `'<room>/<what>'`, for example `'store/quota-exceeded'`; the message says
 * what was expected and found, with units, and what to do; `cause` keeps the error beneath.
 */
export class CodexError<Code extends string = string, Detail extends ErrorDetail = ErrorDetail> extends Error {
  override readonly name = 'CodexError'
  readonly code: Code
  readonly detail: Detail

  constructor(code: Code, message: string, options: { readonly detail?: Detail; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail ?? ({} as Detail)
  }

  /** Whether `error` is a `CodexError`, of the given code when one is given. Safe across bundles: asks the name. */
  static is<Code extends string>(error: unknown, code?: Code): error is CodexError<Code> {
    return (
      error instanceof Error &&
      error.name === 'CodexError' &&
      (code === undefined || (error as CodexError).code === code)
    )
  }
}

/** Thrown by {@link assert}: our own mistake, never caught to carry on. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** States what the code relies on; a breach is a bug of ours. */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new AssertionError(claim)
}
