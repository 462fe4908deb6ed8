// Finds the scripts of test/children/ in a form that runs as a child process or thread of Node.

import { fileURLToPath } from 'node:url'
import { bundleModule } from './bundlemodule.ts'

/** Bundles `test/children/<name>.ts`. @returns the `file:` URL of the module */
export function bundleChild(name: string): Promise<URL> {
  return bundleModule(fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url)))
}
