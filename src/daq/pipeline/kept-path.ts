import { joinBytes } from '../../kernel/path-bytes.js';

/** Where the content of an older version is kept, relative to the experiment's directory (design invariant 4). */
export function keptPath(row: { destinationPath: Uint8Array }, version: number): Buffer {
  return joinBytes(Buffer.from(`system/versions/v${version}`), row.destinationPath);
}
