// Reads what one TypeScript source refers to, for the rules of the house. It is not a parser: it knows comments, strings,
// templates and regular expressions well enough to look past them, which is what makes it fast and runnable in a tab.

/** How one file refers to another; `types` marks what disappears when types are stripped. */
export interface Reference {
  readonly kind: 'import' | 'export from' | 'dynamic import' | 'URL'
  readonly types: boolean
  /** As written; undefined when it is computed, which no rule could judge. */
  readonly specifier: string | undefined
  /** Counted from 1. */
  readonly line: number
}

const IMPORT = /(?<![.\w$])import\s+(type\s+)?(?:[\w$*{}\s,]+?\s*from\s*)?(?=['"])/g
const EXPORT = /(?<![.\w$])export\s+(type\s+)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})\s*from\s*(?=['"])/g
const DYNAMIC = /(?<![.\w$])import\s*\(\s*/g
const WORKER_URL = /\bnew\s+URL\s*\(\s*(?=(['"])[^'"]*\1\s*,\s*import\.meta\.url)/g

/** Every import, re-export, dynamic import (also of a type) and file reference by URL, in no particular order. */
export function readImports(source: string): readonly Reference[] {
  const code = blankOut(source)
  const references: Reference[] = []
  const collect = (pattern: RegExp, kind: Reference['kind']): void => {
    for (const match of code.matchAll(pattern)) {
      const end = match.index + match[0].length
      const specifier = /^(['"])(.*?)\1/.exec(source.slice(end))?.[2]
      if (kind === 'URL' && specifier?.endsWith('.ts') !== true) continue
      const types = kind !== 'URL' && match[1] !== undefined
      references.push({ kind, types, specifier, line: lineAt(source, end) })
    }
  }
  collect(IMPORT, 'import')
  collect(EXPORT, 'export from')
  collect(DYNAMIC, 'dynamic import')
  collect(WORKER_URL, 'URL')
  return references
}

/** Which line, counted from 1, a place in the text is on. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** After these a slash begins a regular expression; after anything else it divides. */
const BEFORE_REGULAR_EXPRESSION =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|throw|await|yield))\s*$/
const SKIPPED =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`|\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*|[{}]/y

/** The same text, place by place, with comments and the insides of strings and patterns replaced by spaces. */
export function blankOut(source: string): string {
  let code = ''
  let index = 0
  // One entry per `${` that is open, counting the braces opened inside it.
  const depths: number[] = []
  const template = (): void => {
    const text = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y
    text.lastIndex = index
    const found = text.exec(source)?.[0] ?? ''
    code += spaces(found)
    index += found.length
    if (source.startsWith('${', index)) depths.push(0)
    const closing = source.startsWith('${', index) ? '${' : source.slice(index, index + 1)
    code += closing
    index += closing.length
  }
  while (index < source.length) {
    SKIPPED.lastIndex = index
    const token = SKIPPED.exec(source)?.[0] ?? source.charAt(index)
    const isPattern = token.length > 1 && /^\/[^/*]/.test(token)
    const divides = isPattern && !BEFORE_REGULAR_EXPRESSION.test(code.slice(-12))
    const piece = divides ? '/' : token
    index += piece.length
    const depth = depths.at(-1)
    if (piece === '}' && depth === 0) depths.pop()
    else if (depth !== undefined && /^[{}]$/.test(piece)) depths[depths.length - 1] = depth + (piece === '{' ? 1 : -1)
    code += piece.length === 1 ? piece : blanked(piece)
    if (piece === '`' || (piece === '}' && depth === 0)) template()
  }
  return code
}

function blanked(token: string): string {
  return /^['"]/.test(token) ? `${token.charAt(0)}${spaces(token.slice(1, -1))}${token.charAt(0)}` : spaces(token)
}

function spaces(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
