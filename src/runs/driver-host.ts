// What the queue needs of the engine that holds the driver containers. docker-driver-host.ts is the real one.

export interface DriverContainer {
  readonly id: string;
  /** Reference that the service names, and the id of the image behind it. */
  readonly image: string;
  readonly imageId: string;
  readonly running: boolean;
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  /** Address on the data network. */
  readonly address: string | null;
}

/** One run as the driver's hand-over program reads it. */
export interface RunOrder {
  readonly runId: string;
  readonly attempt: number;
  readonly job: string;
  readonly main: string;
  readonly class: string | null;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly conf: Readonly<Record<string, string>>;
}

export type HandOverAnswer =
  | { readonly kind: 'accepted' }
  /** Not ready yet, or busy: another container or another moment may do. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The image has no such file: no container of it will do. */
  | { readonly kind: 'main-missing' }
  /** An idle driver does not take this job: its definition is wrong. */
  | { readonly kind: 'rejected'; readonly reason: string };

export type DriverState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly runId: string; readonly attempt: number }
  | { readonly kind: 'unknown' };

export interface LogLine {
  /** Docker's time of the line: RFC 3339 with nine digits, so that text order is time order. */
  readonly timestamp: string;
  readonly text: string;
}

export interface DriverHost {
  /** The running containers of spark-driver. */
  list(signal: AbortSignal): Promise<DriverContainer[]>;
  /** Null when the container is gone. */
  inspect(id: string, signal: AbortSignal): Promise<DriverContainer | null>;
  handOver(id: string, order: RunOrder, signal: AbortSignal): Promise<HandOverAnswer>;
  state(id: string, signal: AbortSignal): Promise<DriverState>;
  /** Lines from `since` on (inclusive) until the container ends. */
  followLog(id: string, since: string, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Lines from `since` on that are there now, at most one. */
  hasLogged(id: string, since: string, signal: AbortSignal): Promise<boolean>;
  kill(id: string, name: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}
