// What crosses the edge between a pool and its workers: the jobs' functions with the job's ticket in front, and how to give a job up.

/** Names one job of one pool for its whole life; counted up. */
export type JobTicket = number

/** What every worker of a pool can do besides its jobs. */
export interface JobControl {
  /** Answered once the worker's script runs: from then on a lost worker is not a worker that cannot load. */
  loaded(): Promise<void>
  /** The calls of this job end at their next checkpoint; without effect on any other job. */
  abortJob(ticket: JobTicket): Promise<void>
}

/** The functions `Jobs`, as whoever asks for a job sees them, in the form that a worker answers; `performJobs` makes it. */
export type TicketedJobs<Jobs> = JobControl & {
  readonly [Name in keyof Jobs]: Jobs[Name] extends (...args: infer Args) => infer Result
    ? (ticket: JobTicket, ...args: Args) => Result
    : never
}
