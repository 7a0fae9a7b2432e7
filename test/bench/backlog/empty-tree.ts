import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';

const FILES_IN_A_DIRECTORY = 500;
/** What a file without content and its name take on tmpfs, in bytes: the kernel's inode and directory entry. */
export const BYTES_A_FILE = 1200;

/** Files without content: what waits is a row each, whatever their size, and a million fit into memory. */
export function makeEmptyFiles(directory: string, files: number): void {
  for (let at = 0; at < files; at += 1) {
    const scan = Math.floor(at / FILES_IN_A_DIRECTORY);
    const folder = join(directory, `sample-${Math.floor(scan / 100)}`, `scan-${scan}`);
    if (at % FILES_IN_A_DIRECTORY === 0) {
      mkdirSync(folder, { recursive: true });
    }
    closeSync(openSync(join(folder, `frame-${String(at).padStart(7, '0')}.tif`), 'w'));
  }
}
