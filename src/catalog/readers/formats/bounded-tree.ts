import { isList, plainNumber } from '../../metadata/plain-number.js';
import type { RawTree } from '../metadata-readers.port.js';

export interface TreeLimits {
  /** Of the tree as JSON, in UTF-8. */
  bytes: number;
  depth: number;
  /** Values of any kind, at all levels. */
  nodes: number;
  /** Characters of one text. */
  text: number;
  /** Characters of one key. */
  key: number;
}

/** What a document can hold of one file without becoming a burden for every search that passes it. */
export const RAW_LIMITS: TreeLimits = { bytes: 1_048_576, depth: 40, nodes: 50_000, text: 8192, key: 512 };

/** How many left-out places are named; the rest is counted. */
const MOST_NAMED = 20;
/** Characters of one of them; the end of a path tells more than its beginning. */
const MOST_NOTE_CHARACTERS = 200;
/** Kept free for the note itself, however its characters are escaped. */
const NOTE_BYTES = 32_768;

/**
 * The tree as plain JSON within the limits. What does not fit is left out, and its places are noted under `@truncated`.
 * What JSON has no word for becomes text: NaN and the infinities, integers beyond 2^53; typed arrays become arrays.
 *
 * @param omitted What the reader itself left out; it goes into the same note.
 */
export function boundedTree(raw: RawTree, omitted: readonly string[] = [], limits: TreeLimits = RAW_LIMITS): RawTree {
  const pruning = new Pruning(limits);
  const tree = pruning.object(raw, 1, '') as RawTree;
  const notes = [...omitted, ...pruning.leftOut];
  if (notes.length > 0) {
    const more = notes.length > MOST_NAMED ? [`and ${notes.length - MOST_NAMED} more`] : [];
    const named = notes
      .slice(0, MOST_NAMED)
      .map((note) => (note.length > MOST_NOTE_CHARACTERS ? `…${note.slice(-MOST_NOTE_CHARACTERS)}` : note));
    tree['@truncated'] = [...named, ...more];
  }
  return tree;
}

class Pruning {
  readonly leftOut: string[] = [];
  private bytes = NOTE_BYTES;
  private nodes = 0;

  constructor(private readonly limits: TreeLimits) {}

  object(value: object, depth: number, place: string): unknown {
    const entries: [string, unknown][] = [];
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) {
        continue;
      }
      const name = key.length > this.limits.key ? `${cut(key, this.limits.key)}…` : key;
      const at = place === '' ? name : `${place}/${name}`;
      if (!this.take(Buffer.byteLength(name) + 4, at)) {
        break;
      }
      const kept = this.value(item, depth + 1, at);
      if (kept !== undefined) {
        entries.push([name, kept]);
      }
    }
    return Object.fromEntries(entries);
  }

  private value(value: unknown, depth: number, place: string): unknown {
    switch (typeof value) {
      case 'string':
        return this.text(value, place);
      case 'boolean':
        return this.sized(value, 5, place);
      case 'number':
      case 'bigint':
        return this.number(value, place);
      case 'object':
        return value === null ? this.sized(null, 4, place) : this.structure(value, depth, place);
      default:
        return undefined;
    }
  }

  private structure(value: object, depth: number, place: string): unknown {
    if (depth > this.limits.depth) {
      this.leftOut.push(`${place} (deeper than ${this.limits.depth} levels)`);
      return undefined;
    }
    if (!this.take(2, place)) {
      return undefined;
    }
    return isList(value) ? this.list(value, depth, place) : this.object(value, depth, place);
  }

  private list(value: ArrayLike<unknown>, depth: number, place: string): unknown[] {
    const kept: unknown[] = [];
    for (let index = 0; index < value.length; index += 1) {
      const item = this.value(value[index] ?? null, depth + 1, `${place}/${index}`);
      if (item === undefined && this.isFull) {
        break;
      }
      kept.push(item ?? null);
    }
    return kept;
  }

  private number(value: number | bigint, place: string): unknown {
    const plain = plainNumber(value);
    const mostBytes = typeof value === 'bigint' ? 17 : 24;
    return typeof plain === 'string' ? this.text(plain, place) : this.sized(plain, mostBytes, place);
  }

  private text(value: string, place: string): string | undefined {
    if (value.length > this.limits.text) {
      this.leftOut.push(`${place} (text of ${value.length} characters)`);
    }
    const text = value.length > this.limits.text ? `${cut(value, this.limits.text)}…` : value;
    return this.sized(text, Buffer.byteLength(JSON.stringify(text)), place);
  }

  private sized<T>(value: T, bytes: number, place: string): T | undefined {
    return this.take(bytes + 1, place) ? value : undefined;
  }

  private get isFull(): boolean {
    return this.bytes >= this.limits.bytes || this.nodes >= this.limits.nodes;
  }

  /** Whether there is room. Once something did not fit nothing more is taken, so that a tree has no holes within. */
  private take(bytes: number, place: string): boolean {
    if (this.isFull) {
      return false;
    }
    this.nodes += 1;
    this.bytes += bytes;
    if (this.isFull) {
      const limit = this.bytes >= this.limits.bytes ? `${this.limits.bytes} bytes` : `${this.limits.nodes} values`;
      this.leftOut.push(`${place} and what follows (the tree has ${limit})`);
      return false;
    }
    return true;
  }
}

/** The first characters, without half of a surrogate pair at the end. */
function cut(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
