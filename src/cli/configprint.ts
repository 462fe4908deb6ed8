// config print: shows every setting and where its value came from.

import { SETTING_NAMES, SETTINGS, environmentName } from './settings.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const configPrint = defineVerb({
  about: 'Shows every setting as this command line and this environment give it, and where each value came from.',
  options: {},
  document: `{ NAME: { value (sizes in bytes, durations in seconds), source: "flag" | "environment" | "default" } } for every
setting by the name of its flag without dashes`,
  async run(_, { settings, terminal }) {
    const rows: string[][] = []
    const shown: Record<string, { value: unknown; source: string }> = {}
    for (const name of SETTING_NAMES) {
      const { source } = settings[name]
      const value: unknown = await settings[name].value()
      const option: { show(value: unknown): string } = SETTINGS[name]
      shown[name] = { value, source }
      rows.push([name, option.show(value), source === 'environment' ? environmentName(name) : source])
    }
    await terminal.answer(shown, table(rows))
    return undefined
  },
})
