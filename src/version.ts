import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Version of this package: its package.json lies one level above `src`, two above `dist/src`. */
export const VERSION: string = read();

function read(): string {
  const file = ['..', '../..'].map((up) => join(import.meta.dirname, up, 'package.json')).find(existsSync);
  return file === undefined ? 'unknown' : (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
