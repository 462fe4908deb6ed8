// A machine in a simulated world: it runs, freezes, stops, crashes and starts again. What runs on it is the business of its kinds
// (provider.ts, client.ts, watchman.ts); what survives a crash they keep themselves.

import type { Address } from '../../src/market/market.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { Log } from '../../src/lib/log.ts'
import type { LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import type { RandomSource } from '../../src/lib/random.ts'
import type { Seconds } from '../../src/lib/units.ts'
import { FakeMarket } from '../fakes/fakemarket.ts'
import { seededSource } from '../fakes/salesparts.ts'
import type { SimWorld } from './simworld.ts'
import { Weather } from './weather.ts'

/** A clock that was ahead is felt for so long after it is right again. */
const JUMP_AFTERMATH_SECONDS: Seconds = 400

/** One run of a machine, from its start to its stop or crash. */
export interface Run {
  readonly clock: ManualClock
  readonly log: Log
  readonly market: FakeMarket
  readonly ending: AbortController
  isDead: boolean
  readonly since: Seconds
}

export abstract class SimNode {
  readonly name: string
  readonly address: Address
  readonly world: SimWorld
  readonly random: RandomSource
  readonly weather: Weather
  #run: Run | undefined
  #frozen: (() => void)[] | undefined
  #isStopping = false

  constructor(world: SimWorld, name: string, address: Address, seed: number) {
    this.world = world
    this.name = name
    this.address = address
    this.random = seededSource(seed)
    this.weather = new Weather(
      seededSource(seed + 1),
      world.history,
      () => world.now(),
      (trouble) => world.isSpared(trouble),
    )
  }

  /** Undefined while it is down. */
  get run(): Run | undefined {
    return this.#run
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** For how long nothing has troubled it. */
  get calmSeconds(): Seconds {
    if (this.#run === undefined || this.#isStopping || this.#frozen !== undefined) return -1
    return this.world.now() - Math.max(this.#run.since, this.weather.lastTrouble)
  }

  async boot(): Promise<void> {
    const clock = new ManualClock(this.world.now())
    const log = new Log({ clock, levels: new LogLevels('error'), sinks: [(record) => this.heard(record)] })
    const run: Run = {
      clock,
      log,
      market: new FakeMarket(this.world.net, this.address, clock, {
        faults: this.weather,
        deliver: (what, value) => this.#deliver(run, what, value),
      }),
      ending: new AbortController(),
      isDead: false,
      since: this.world.now(),
    }
    this.#run = run
    this.weather.trouble('start', 0)
    this.world.history.note(`${this.world.now()} ${this.name} starts`)
    await this.begin(run)
  }

  /** The power goes: nothing of it ever goes on. */
  crash(): void {
    this.weather.trouble('crash')
    if (this.#run !== undefined) this.#run.isDead = true
    this.#run = undefined
    this.#frozen = undefined
    this.#isStopping = false
    this.lost()
  }

  /** In good order. What it has sent it waits for. */
  async stop(): Promise<void> {
    const run = this.#run
    if (run === undefined || this.#isStopping) return
    this.#isStopping = true
    this.weather.trouble('stop')
    await this.end(run)
    if (run.isDead) return
    this.world.referee.stopped(this, run)
    run.isDead = true
    this.#run = undefined
    this.#isStopping = false
  }

  /** As a hidden tab: time and answers stand still for it. */
  freeze(): void {
    if (this.#run === undefined || this.#isStopping) return
    this.weather.trouble('freeze')
    this.#frozen ??= []
  }

  thaw(): void {
    const waiting = this.#frozen ?? []
    this.#frozen = undefined
    this.weather.trouble('thaw')
    for (const goOn of waiting) goOn()
  }

  /** Its clock is set ahead by so much. The chain puts it right: it stands until the time that it shows has come. */
  jump(seconds: Seconds): void {
    if (this.#run === undefined || this.#isStopping || this.#frozen !== undefined) return
    this.weather.trouble('clock jumps', seconds + JUMP_AFTERMATH_SECONDS)
    this.#wind(this.#run, this.world.now() + seconds, 'is ahead')
  }

  /** When it has something to do. */
  get nextDue(): Seconds {
    return this.#run === undefined || this.#frozen !== undefined ? Infinity : (this.#run.clock.nextDue ?? Infinity)
  }

  moveTo(time: Seconds): void {
    if (this.#run === undefined || this.#frozen !== undefined) return
    this.#wind(this.#run, time, 'wakes')
  }

  #wind({ clock }: Run, time: Seconds, what: string): void {
    const before = clock.waiting
    clock.set(Math.max(time, clock.now()))
    if (clock.waiting < before) this.world.history.deliver(`${time} ${this.name} ${what}`, before - clock.waiting)
  }

  /** What it did with the last step is held against what must hold. */
  protected glance(): void {
    // Nothing of its own that could be wrong.
  }

  /** Starts what it does. */
  protected abstract begin(run: Run): Promise<void>
  /** Ends it. */
  protected abstract end(run: Run): Promise<void>
  /** After a crash. */
  protected abstract lost(): void

  protected heard({ message, level }: LogRecord): void {
    this.world.history.note(`${this.name} ${level} ${message}`)
    if (message.startsWith('a task of')) this.world.referee.breach(this, `${message}`)
  }

  async #deliver<T>(run: Run, what: string, value: T): Promise<T> {
    if (this.#frozen !== undefined && this.#run === run) await new Promise<void>((goOn) => this.#frozen?.push(goOn))
    if (run.isDead) return new Promise<never>(() => undefined)
    this.glance()
    this.world.history.deliver(`${this.world.now()} ${this.name} ${what}`)
    return value
  }
}
