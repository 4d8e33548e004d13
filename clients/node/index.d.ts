/** An error of Lambkin; the message has what it has logged. */
export class LambkinError extends Error {}

/** A function has failed. */
export class FunctionError extends LambkinError {
  /** The function's error, with `errorType` and `errorMessage`. */
  payload: unknown
}

export interface Options {
  /** Further arguments of the command. */
  arguments?: string[]
  /** The program; by default `LAMBKIN`, else `lambkin` in `PATH`. */
  program?: string
  /** Milliseconds until it has to listen, and for waiting; 60000 by default. */
  timeout?: number
}

/** A running project. */
export interface Lambkin {
  /** What `lambkin serve --json` printed when it listened. */
  readonly ready: Record<string, any>
  /** The outputs of the project's templates. */
  readonly outputs: Record<string, string>
  /** Invokes a function by its name, logical id or ARN, and returns its result. */
  invoke(functionName: string, event?: unknown): Promise<any>
  /** The URL of a trigger or of a service, without a `/` at its end. */
  url(name: string): string
  /** What functions and Lambkin have logged so far. */
  log(): string
  /** Waits until a text was logged, and returns the log. */
  waitForLog(text: string, timeout?: number): Promise<string>
  /** Ends everything, and waits for it. */
  stop(): Promise<void>
}

/** Runs the project in a folder, or that of a file, on free ports, and returns when it listens. */
export function start(project?: string, options?: Options): Promise<Lambkin>

/** Invokes a function once with `lambkin invoke`, and returns its result. */
export function invokeOnce(target: string, event?: unknown, options?: Options & { cwd?: string }): Promise<any>
