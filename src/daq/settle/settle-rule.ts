import { pathToText } from '../../kernel/path-text.js';
import type { SourceTree } from '../source/source-tree.port.js';
import { companionOf, companionTest } from './companion.js';
import type { SettleOptions } from './settle-options.js';

/** A file whose quiet time is over. */
export interface QuietFile {
  relativePath: Buffer;
  sizeBytes: bigint;
}

/** Null when it is complete; else what it waits for, as `dm file why` says it. */
export type Waits = { code: string; reason: string } | null;

/** What a rule asks beyond the quiet time. One answer per file, in the order given. */
export interface SettleRule {
  check(files: readonly QuietFile[]): Promise<Waits[]>;
}

/** A number of bytes, and some space around it. */
const SIZE_FILE_BYTES = 64;

export function settleRule(options: SettleOptions, tree: Pick<SourceTree, 'look' | 'read'>): SettleRule | undefined {
  switch (options.rule) {
    case 'marker':
      return options.marker === null ? undefined : new MarkerRule(options.marker, tree);
    case 'size':
      return new SizeRule(options.sizeFile, BigInt(options.minBytes ?? 0), tree);
    case 'quiet':
    case 'rename':
      return undefined;
  }
}

class MarkerRule implements SettleRule {
  private readonly isMarker: (path: Buffer) => boolean;

  constructor(
    private readonly pattern: string,
    private readonly tree: Pick<SourceTree, 'look'>,
  ) {
    this.isMarker = companionTest(pattern);
  }

  async check(files: readonly QuietFile[]): Promise<Waits[]> {
    const markers = files.map((file) => companionOf(this.pattern, file.relativePath));
    // Files of one directory often share a marker.
    const asked = [...new Map(markers.map((marker) => [marker.toString('latin1'), marker])).values()];
    const looks = await this.tree.look(asked);
    const there = new Set(asked.filter((_, at) => isThere(looks[at])).map((marker) => marker.toString('latin1')));
    return files.map((file, at) => {
      const marker = markers[at] ?? Buffer.alloc(0);
      return this.isMarker(file.relativePath) || there.has(marker.toString('latin1'))
        ? null
        : {
            code: 'waits-for-marker',
            reason: `It has stood still, and waits for its marker file ${pathToText(marker)}, which the writer makes when it is complete.`,
          };
    });
  }
}

class SizeRule implements SettleRule {
  private readonly isSizeFile: (path: Buffer) => boolean;

  constructor(
    private readonly sizeFile: string | null,
    private readonly minBytes: bigint,
    private readonly tree: Pick<SourceTree, 'read'>,
  ) {
    this.isSizeFile = sizeFile === null ? () => false : companionTest(sizeFile);
  }

  check(files: readonly QuietFile[]): Promise<Waits[]> {
    return Promise.all(files.map((file) => this.one(file)));
  }

  private async one(file: QuietFile): Promise<Waits> {
    if (this.isSizeFile(file.relativePath)) {
      return null;
    }
    if (file.sizeBytes < this.minBytes) {
      return waitsForSize(`${file.sizeBytes} of at least ${this.minBytes} bytes are there.`);
    }
    if (this.sizeFile === null) {
      return null;
    }
    const companion = companionOf(this.sizeFile, file.relativePath);
    const text = (await this.tree.read(companion, SIZE_FILE_BYTES))?.toString('latin1');
    const expected = text === undefined ? undefined : /^\s*(\d{1,19})(?!\d)/.exec(text)?.[1];
    if (expected === undefined) {
      const state = text === undefined ? 'is not there' : 'does not begin with a number';
      return waitsForSize(`${pathToText(companion)}, which tells its size, ${state}.`);
    }
    return BigInt(expected) === file.sizeBytes
      ? null
      : waitsForSize(`${file.sizeBytes} of the ${expected} bytes that ${pathToText(companion)} tells are there.`);
  }
}

function waitsForSize(what: string): Waits {
  return { code: 'waits-for-size', reason: `It has stood still, and waits for its size: ${what}` };
}

function isThere(look: unknown): boolean {
  return typeof look === 'object' || look === 'directory';
}
