// Makes text from outside safe to print: nothing in it may break a line, steer a terminal or turn the direction of what follows.

/** Writes control and format characters (also those that reorder text), line and paragraph separators and halves of a pair as `\u{…}`. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })
}
