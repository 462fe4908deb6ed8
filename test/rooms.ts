// The walls of the house: who may import whom, which room holds which package's door, who may name what the platform
// gives. The drawing is the tables at the top; beneath them is what holds sources against it. It is not a linter of style.

import { blankOut, lineAt, readImports, type Reference } from './readimports.ts'

/** Each floor stands on those beneath it and on nothing else: rooms on one floor do not know one another. */
const FLOORS = [
  ['sales', 'purchasing', 'validation'],
  ['market', 'slots', 'proving'],
  ['exchange', 'erasure'],
  ['storage'],
  ['workers'],
  ['protocol'],
  ['lib'],
] as const

const BELOW_NODE = FLOORS.flat()
const WITH_SEAMS_FOR_PLATFORMS = ['storage', 'workers', 'protocol', 'lib']

/** What stands above the floors, or beside them, and what it may import besides files of its own room. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  web: ['browser.ts', 'protocol', 'lib'],
  cli: ['nodejs.ts', 'rest', 'bridge', 'devnet', 'protocol', 'lib'],
  rest: ['nodejs.ts', 'protocol', 'lib'],
  bridge: ['nodejs.ts', 'protocol', 'lib'],
  devnet: ['nodejs.ts', 'protocol', 'lib'],
  'browser.ts': ['createnode.ts', 'node.ts', 'trade.ts', 'platform/browser', ...BELOW_NODE],
  'nodejs.ts': ['createnode.ts', 'node.ts', 'trade.ts', 'platform/nodejs', ...BELOW_NODE],
  'createnode.ts': ['node.ts', 'trade.ts', ...BELOW_NODE],
  'node.ts': ['trade.ts', ...BELOW_NODE],
  'trade.ts': BELOW_NODE,
  entries: BELOW_NODE,
  'entries/*.browser.ts': ['browser.ts', 'createnode.ts', 'node.ts', 'trade.ts', 'platform/browser', ...BELOW_NODE],
  'entries/*.nodejs.ts': ['nodejs.ts', 'createnode.ts', 'node.ts', 'trade.ts', 'platform/nodejs', ...BELOW_NODE],
  'platform/browser': WITH_SEAMS_FOR_PLATFORMS,
  'platform/nodejs': WITH_SEAMS_FOR_PLATFORMS,
  wasm: ['lib'],
  ...Object.fromEntries(FLOORS.flatMap((floor, i) => floor.map((room) => [room, FLOORS.slice(i + 1).flat()]))),
}
/** Of these rooms the platform may name the types, for that is what a seam is; running them is another matter. */
const TYPE_ARROWS: Readonly<Record<string, readonly string[]>> = {
  'platform/browser': BELOW_NODE,
  'platform/nodejs': BELOW_NODE,
}
/** Rooms of one file each, directly under src. */
const ONE_FILE = ['browser.ts', 'nodejs.ts', 'createnode.ts', 'node.ts', 'trade.ts']
/** A kernel is loaded where it computes: in a worker's first file, or by an entry whose caller computes on its own thread. */
const MAY_LOAD_KERNELS = /(worker(\.(browser|nodejs))?|entries\/[a-z]+\.(browser|nodejs))\.ts$/

/** A platform starts threads by the address of their first file, which stands among the entries because it may know every room. */
const STARTS_WORKERS: Readonly<Record<string, RegExp>> = {
  'platform/browser': /^src\/entries\/[a-z]+worker\.browser\.ts$/,
  'platform/nodejs': /^src\/entries\/[a-z]+worker\.nodejs\.ts$/,
}

/** One door per package. A package that is not here has no door yet: give it one, and only one. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  '@hono/node-server': ['rest'],
  '@libp2p/*': ['exchange', 'platform/browser', 'platform/nodejs'],
  '@multiformats/multiaddr': ['exchange', 'platform/browser', 'platform/nodejs'],
  '@noble/curves': ['exchange', 'proving'],
  '@noble/hashes': ['protocol', 'storage', 'proving'],
  '@preact/signals': ['web'],
  'classic-level': ['platform/nodejs'],
  comlink: ['workers'],
  ethers: ['market', 'devnet'],
  fflate: ['proving'],
  hono: ['rest'],
  idb: ['platform/browser'],
  libp2p: ['exchange', 'platform/browser', 'platform/nodejs'],
  'mime-db': ['rest'],
  mrmime: ['cli'],
  multiformats: ['protocol', 'exchange'],
  preact: ['web'],
  'smol-toml': ['cli'],
  snarkjs: ['proving'],
  uint8arraylist: ['exchange', 'platform/nodejs'],
  ws: ['platform/nodejs'],
}

const NODEJS_ROOMS = ['platform/nodejs', 'nodejs.ts', 'entries/*.nodejs.ts', 'cli', 'rest', 'bridge', 'devnet']
const BROWSER_ROOMS = ['platform/browser', 'browser.ts', 'entries/*.browser.ts', 'web']
const BROWSER_NAMES =
  /(?<![.\w$#]|\.\s)(?:(?:globalThis|self)\.)?(?:window|document|indexedDB|navigator|localStorage)\b(?!\s*\??:)/g
const NODEJS_NAMES = /(?<![.\w$#])(?:(?:globalThis|self)\.)?(?:process\.|Buffer\.|__dirname\b|__filename\b|require\()/g

const FOLDERS_INSIDE_ROOMS = ['platform/browser', 'platform/nodejs', 'devnet/contracts']
const FILE_NAME = /^[a-z0-9]+(\.d)?\.tsx?$/
const ENTRY_NAME = /^[a-z0-9]+(\.browser|\.nodejs)?\.ts$/
const NAMES_THAT_SAY_NOTHING = ['index', 'utils', 'util', 'types', 'helpers', 'common', 'misc']

/** Sources by path from the top of the repository, with forward slashes: `src/lib/clock.ts`. */
export type Sources = ReadonlyMap<string, string>

/** One line per breach: the file, the line's number and text, and what it breaks. Empty when every wall stands. */
export function breaches(sources: Sources): readonly string[] {
  const found: string[] = []
  const arrows = new Map<string, readonly string[]>()
  for (const [path, source] of sources) {
    const say = (line: number, why: string): void => {
      found.push(`${path}:${line}: ${source.split('\n')[line - 1]?.trim() ?? ''}\n    ${why}`)
    }
    checkPlace(path, source, say)
    checkNames(path, source, say)
    const targets: string[] = []
    for (const reference of readImports(source)) {
      const target = checkReference(path, reference, sources, say)
      if (target !== undefined) targets.push(target)
    }
    arrows.set(path, targets)
  }
  return [...found, ...circles(arrows)]
}

type Say = (line: number, why: string) => void

/** The room a file belongs to, as the tables call it. */
function roomOf(path: string): string {
  const [top, room = '', inner = ''] = path.split('/')
  if (top !== 'src') return top ?? ''
  if (inner === '') return room
  if (room === 'platform') return `platform/${inner}`
  const suffix = /\.(browser|nodejs)\.ts$/.exec(inner)?.[1]
  return room === 'entries' && suffix !== undefined ? `entries/*.${suffix}.ts` : room
}

function checkPlace(path: string, source: string, say: Say): void {
  const [top, ...parts] = path.split('/')
  const name = parts.at(-1) ?? ''
  const saysNothing = NAMES_THAT_SAY_NOTHING.includes(name.replace(/\.tsx?$/, ''))
  if (saysNothing) say(1, `a file is named after what it exports, not ${name}`)
  if (top !== 'src') return
  const room = roomOf(path)
  const folder = parts.slice(0, -1).join('/')
  const isDrawn = parts.length === 1 ? ONE_FILE.includes(room) : room in ARROWS
  if (!isDrawn) say(1, `the house has no room ${room}`)
  else if (parts.length > 2 && !FOLDERS_INSIDE_ROOMS.includes(folder))
    say(1, `rooms are flat: found the folder ${folder}`)
  const pattern = parts[0] === 'entries' ? ENTRY_NAME : FILE_NAME
  if (!pattern.test(name)) say(1, 'file names are lower case without separators')
  if (!/^(#!|\/\/|\/\*)/.test(source)) say(1, 'the first line says what the file is and what it is not')
}

function checkNames(path: string, source: string, say: Say): void {
  const code = blankOut(source)
  const refuse = (pattern: RegExp, rooms: readonly string[]): void => {
    if (rooms.includes(roomOf(path)) || path.startsWith('wasm/')) return
    for (const match of code.matchAll(pattern)) {
      say(lineAt(code, match.index), `only ${rooms.join(', ')} may name ${match[0].replace(/[.(]$/, '')}`)
    }
  }
  refuse(BROWSER_NAMES, BROWSER_ROOMS)
  refuse(NODEJS_NAMES, NODEJS_ROOMS)
}

/** Returns the file that `reference` leads to, when it leads to one of ours. */
function checkReference(path: string, reference: Reference, sources: Sources, say: Say): string | undefined {
  const { specifier, line } = reference
  const from = roomOf(path)
  if (reference.kind === 'export from' && !from.startsWith('entries')) say(line, 'only src/entries re-exports')
  if (specifier === undefined) {
    say(line, 'an import names its target in plain text, else no rule can see it')
    return undefined
  }
  if (!specifier.startsWith('.')) {
    checkDoor(path, specifier, line, say)
    return undefined
  }
  if (/\.(css|svg|json|circom)(\?\w+)?$/.test(specifier)) return undefined
  const target = resolve(path, specifier)
  if (!sources.has(target)) {
    say(line, `an import names an existing file with its .ts: found no ${target}`)
    return undefined
  }
  const to = roomOf(target)
  const ownRoom = from.startsWith('entries') ? [] : [from]
  const seams = reference.types ? (TYPE_ARROWS[from] ?? []) : []
  const allowed = [...ownRoom, ...(ARROWS[from] ?? []), ...seams]
  const isKernel = to === 'wasm' && MAY_LOAD_KERNELS.test(path)
  const isStarted = reference.kind === 'URL' && STARTS_WORKERS[from]?.test(target) === true
  if (!allowed.includes(to) && !isKernel && !isStarted) {
    say(line, `${from} may import ${(ARROWS[from] ?? []).join(', ') || 'nothing'}; not ${to}`)
  }
  return target
}

function checkDoor(path: string, specifier: string, line: number, say: Say): void {
  const room = roomOf(path)
  if (room === 'wasm') return // Built and measured by tools of its own; nothing of them is in the package.
  if (specifier.startsWith('node:')) {
    if (!NODEJS_ROOMS.includes(room)) say(line, `only ${NODEJS_ROOMS.join(', ')} may name node:*`)
    return
  }
  const [scope = '', name = ''] = specifier.split('/')
  const rooms = DOORS[specifier.startsWith('@') ? `${scope}/${name}` : scope] ?? DOORS[`${scope}/*`]
  if (rooms === undefined) say(line, `${specifier} has no door yet: give it one in test/rooms.ts`)
  else if (!rooms.includes(room)) say(line, `the door of ${specifier} is in ${rooms.join(', ')}; not in ${room}`)
}

function resolve(path: string, specifier: string): string {
  const parts = path.split('/').slice(0, -1)
  for (const part of specifier.replace(/\?.*$/, '').split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** Each circle of files once, as the road around it. Depth first; a file that is done leads to no new circle. */
function circles(arrows: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>()
  const road: string[] = []
  const found: string[] = []
  const visit = (path: string): void => {
    if (done.has(path)) return
    const start = road.indexOf(path)
    if (start >= 0) {
      found.push(`imports run in a circle: ${[...road.slice(start), path].join(' -> ')}`)
      return
    }
    road.push(path)
    for (const target of arrows.get(path) ?? []) visit(target)
    road.pop()
    done.add(path)
  }
  for (const path of arrows.keys()) visit(path)
  return found
}
