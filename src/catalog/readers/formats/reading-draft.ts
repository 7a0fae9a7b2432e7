import type { FileSource } from './file-source.js';
import type { RawTree } from '../metadata-readers.port.js';

/** Complaints beyond these are only counted: the first ones tell what is wrong. */
const MOST_COMPLAINTS = 8;

/**
 * What a reader puts together. What it has noted when it throws is kept, so a file that is damaged at its end still tells
 * what its beginning says.
 */
export class ReadingDraft {
  readonly raw: RawTree = newTree();
  /** Parts of the file that were left out to keep the tree small: no damage. */
  readonly omitted: string[] = [];
  private readonly complaints: string[] = [];
  private moreComplaints = 0;

  /** @param sentence About the file, such as "The file ends within its first image." */
  complain(sentence: string): void {
    if (this.complaints.length < MOST_COMPLAINTS) {
      this.complaints.push(sentence);
    } else {
      this.moreComplaints += 1;
    }
  }

  get complaint(): string | null {
    if (this.complaints.length === 0) {
      return null;
    }
    const more = this.moreComplaints === 0 ? [] : [`There are ${this.moreComplaints} more complaints.`];
    return [...this.complaints, ...more].join(' ');
  }
}

/** An object whose keys may come from a hostile file: `__proto__` is a key in it like any other. */
export function newTree(entries: Iterable<readonly [string, unknown]> = []): RawTree {
  const tree = Object.create(null) as RawTree;
  for (const [key, value] of entries) {
    tree[key] = value;
  }
  return tree;
}

/** Damage that ends the reading of a file; the message is a sentence about it. */
export class DamagedFile extends Error {}

/**
 * Reads one format into a draft.
 *
 * Whatever the file says, a reader takes bounded memory: counts and lengths that come from the file are checked against
 * its size before anything is allocated or looped over. It may throw anything; see `readFormat`.
 */
export type FormatReader = (source: FileSource, draft: ReadingDraft) => void | Promise<void>;
