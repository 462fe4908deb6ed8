// Of which sources this command was made: written in by the build, where those are a repository.

declare const CODEX_LIGHT_REVISION: string | undefined

/** Short hash of the commit; empty where nobody knows. */
export const REVISION: string = typeof CODEX_LIGHT_REVISION === 'undefined' ? '' : CODEX_LIGHT_REVISION
