/** What the owner of an embedded server is told when it died. */
export interface PostgresDownReport {
  /** How the server ended, as a person reads it: `signal SIGKILL`, `exit code 1`. */
  reason: string;
}

/** What the owner is told when the server answers again after it died. */
export interface PostgresRestartReport {
  url: string;
  /** How often starting was tried until it worked. */
  attempts: number;
  /** Milliseconds without a server. */
  downMs: number;
}

export interface EmbeddedPostgresOptions {
  /** The station's data directory (absolute). Everything about the server is kept or recorded in its `postgres/`. */
  dataDirectory: string;
  /** System account that runs the server where the station is root; see `chooseAccount` for the default. */
  osUser?: string;
  /** Where binaries and clusters go that the account cannot reach otherwise. Default: `/var/lib/dm-station`. */
  runtimeDirectory?: string;
  /** Server settings over our own, such as `{ shared_buffers: '1GB' }`. */
  settings?: Readonly<Record<string, string>>;
  /** Milliseconds a start may take, crash recovery included. Default: two minutes. */
  startTimeoutMs?: number;
  /** Milliseconds a clean stop may take before the server is stopped hard. Default: 20 seconds. */
  stopTimeoutMs?: number;
  /** The server died; it is being restarted. */
  onDown?: (report: PostgresDownReport) => void;
  /** One attempt to restart failed; the next follows after `delayMs`. */
  onRestartFailed?: (error: unknown, delayMs: number) => void;
  /** The server answers again, under the same URL. */
  onRestart?: (report: PostgresRestartReport) => void;
  /** Single sentences worth logging, such as that an orphan was stopped. */
  log?: (message: string) => void;
}
