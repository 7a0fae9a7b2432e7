/**
 * Runs the processes of stages somewhere: on this machine now; ssh hosts and batch systems are further adapters of the
 * same port.
 *
 * Obligations of an adapter (the contract suite in test/contract/launcher checks them):
 * - `prepare` makes a fresh directory and answers everything that is needed to find the process again. The caller
 *   stores that before it calls `launch`, so no process is ever unknown.
 * - The process claims its directory by an exclusive start marker before it runs the command, and leaves its exit status
 *   in the directory. Both outlive the station.
 * - `reattach` answers the truth after a crash of the station: still running, ended, never begun, or lost. Once it has
 *   answered `never-begun` the command can no longer begin, however late the old process wakes up.
 * - The command sees only the given environment, and its own process group.
 * - `stop` returns once no process of the group is left; what it stopped ends as `stopped`.
 */
export interface Launcher {
  readonly name: string;
  /** @throws when `directory` exists or cannot be made. */
  prepare(directory: string): Promise<ProcessReference>;
  /** @throws StationError PROCESS_NOT_LAUNCHED when the command certainly did not and will not begin. */
  launch(reference: ProcessReference, order: LaunchOrder): Promise<RunningProcess>;
  reattach(reference: ProcessReference, limits: ProcessLimits): Promise<Reattachment>;
  output(reference: ProcessReference): ProcessOutput;
}

export const LAUNCHER = Symbol('Launcher');

/** JSON-safe; the launcher's own knowledge of where a process is. */
export interface ProcessReference {
  launcher: string;
  directory: string;
  /** Which boot of which machine: after a reboot no process lives, and unflushed markers may be gone. */
  bootId: string;
}

export interface ProcessLimits {
  /** Wall clock from the start of the command, in seconds. */
  timeSeconds: number;
  /** Of each of standard output and standard error, in bytes; what comes after is dropped. */
  maxOutputBytes: number;
  /** Between TERM and KILL, in seconds. */
  stopGraceSeconds: number;
}

export interface LaunchOrder {
  /** Shell script, as bytes. */
  script: Uint8Array;
  shell: string;
  /** Where the process starts; exists. */
  workDirectory: string;
  environment: Readonly<Record<string, string>>;
  limits: ProcessLimits;
}

export interface RunningProcess {
  /** Resolves when the process has ended; rejects with the signal's reason when `signal` ends the waiting first. */
  finished(signal?: AbortSignal): Promise<ProcessOutcome>;
  /** @throws StationError PROCESS_NOT_STOPPED when a process survives even KILL. */
  stop(): Promise<void>;
  /** Stops watching; the process goes on and can be reattached. */
  release(): void;
}

export interface ProcessOutcome {
  /**
   * `exited`: the command ended by itself. `stopped`, `time-limit`: it was ended by us. `lost`: it began, is gone, and
   * left no exit status.
   */
  ending: 'exited' | 'stopped' | 'time-limit' | 'lost';
  /** As the shell reports it: 128 + n for a command ended by signal n. Null where there is none. */
  exitStatus: number | null;
  startedAt: Date | null;
  endedAt: Date;
  isTruncated: boolean;
}

export type Reattachment =
  | { state: 'running'; process: RunningProcess }
  | { state: 'ended'; outcome: ProcessOutcome }
  | { state: 'never-begun' }
  | { state: 'lost'; reason: string };

export type OutputStream = 'stdout' | 'stderr';

export interface ProcessOutput {
  /** Size in bytes as kept. */
  size(stream: OutputStream): Promise<number>;
  /** The last `bytes` of the stream. */
  tail(stream: OutputStream, bytes: number): Promise<Buffer>;
}
