// Rows of text in columns, for people. Nothing in a cell can break a line or steer the terminal.

import { escapeControls } from '../lib/escapecontrols.ts'

const GAP = '  '

/** One line per row; a column is as wide as its widest cell. Columns named in `right` (from 0) stand flush right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const safe = rows.map((row) => row.map(escapeControls))
  const widths: number[] = []
  for (const row of safe)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  return safe
    .map((row) => row.map((cell, column) => padded(cell, widths[column] ?? 0, right.includes(column))).join(GAP))
    .map((line) => line.trimEnd())
    .join('\n')
}

function padded(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width)
}
