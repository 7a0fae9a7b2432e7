/** What has to be so for a file to be complete. */
export type SettleRuleName =
  /** Size, mtime and inode have not changed for the quiet time. */
  | 'quiet'
  /** That, and another file says so by being there. */
  | 'marker'
  /** That, and it has the size that was announced. */
  | 'size'
  /** The writer renames it when it is complete: a name that is not temporary is the last one, no time is waited. */
  | 'rename';

export interface SettleOptions {
  rule: SettleRuleName;
  /** Rule `marker`: path of the marker, `{dir}/DONE` or `{name}.done`; see {@link companionOf}. */
  marker: string | null;
  /** Rule `size`: a file beside it that begins with the number of bytes, `{name}.size`. */
  sizeFile: string | null;
  /** Rule `size`: smaller files are not complete. */
  minBytes: number | null;
  /** Shell wildcards on names of files that are still being written. */
  temporaryNames: string[];
  /** The quiet time of empty files, which often appear first and fill later. */
  emptyQuietSeconds: number;
}

/** How many times as long as others an empty file waits. */
const EMPTY_FACTOR = 4;

/** Nothing may be asked to stand still for longer. */
export const LONGEST_QUIET_SECONDS = 86_400;

export function defaultEmptyQuietSeconds(quietSeconds: number): number {
  return Math.min(quietSeconds * EMPTY_FACTOR, LONGEST_QUIET_SECONDS);
}

export function plainSettle(quietSeconds: number, temporaryNames: readonly string[]): SettleOptions {
  return {
    rule: 'quiet',
    marker: null,
    sizeFile: null,
    minBytes: null,
    temporaryNames: [...temporaryNames],
    emptyQuietSeconds: defaultEmptyQuietSeconds(quietSeconds),
  };
}
