import type { WatchTrouble } from './source-tree.port.js';
import type { WatchLimits } from './watch-limits.js';

/** What the thread is started with. */
export interface WatchThreadData {
  limits: WatchLimits;
  /** One 32-bit counter: how many directories are watched. */
  used: SharedArrayBuffer;
}

export type WatchOrder =
  | { kind: 'open'; watch: number; root: Uint8Array }
  /** Directories to watch from now on, relative to the root. */
  | { kind: 'add'; watch: number; directories: Uint8Array[] }
  | { kind: 'close'; watch: number };

/** What happened within some milliseconds. */
export interface WatchNews {
  watch: number;
  paths: Uint8Array[];
  directories: Uint8Array[];
  wantsScan: boolean;
  trouble: WatchTrouble | null;
}
