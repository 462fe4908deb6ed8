// A process that loads a LevelDatastore until it is killed: `node levelgenerations FOLDER`. Prints `ack WRITER GENERATION` for each commit.

import { writeSync } from 'node:fs'

import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import { commitGenerations } from './generationload.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('expected a folder')
const store = await LevelDatastore.open(folder)
await commitGenerations(store, (writer, generation) => writeSync(1, `ack ${writer} ${generation}\n`))
