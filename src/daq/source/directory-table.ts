const NONE = -1;
const FIRST_CAPACITY = 256;

const Flag = {
  /** Its mtime is known. */
  looked: 1,
  conclusive: 2,
  /** The caller knows of it. */
  told: 4,
  dead: 8,
} as const;

/** Facts of one directory, as they were before it was listed. */
export interface DirectoryFacts {
  device: bigint;
  inode: bigint;
  mtimeNs: bigint;
}

/**
 * The directories of one tree, in arrays of numbers: about 60 bytes and its name for each, so that a million of them
 * cost no more than a hundred megabytes. An entry is its index; indexes grow as directories are found, and stay until
 * {@link compact} is called.
 */
export class DirectoryTable {
  static readonly ROOT = 0;

  private parents = new Int32Array(FIRST_CAPACITY);
  private firstChildren = new Int32Array(FIRST_CAPACITY);
  private nextSiblings = new Int32Array(FIRST_CAPACITY);
  private nameStarts = new Uint32Array(FIRST_CAPACITY);
  private nameLengths = new Uint16Array(FIRST_CAPACITY);
  private flags = new Uint8Array(FIRST_CAPACITY);
  private inodes = new BigUint64Array(FIRST_CAPACITY);
  private devices = new BigUint64Array(FIRST_CAPACITY);
  private mtimes = new BigInt64Array(FIRST_CAPACITY);
  private seenSince = new Float64Array(FIRST_CAPACITY);
  private listings = new Uint32Array(FIRST_CAPACITY);
  private names = Buffer.alloc(FIRST_CAPACITY * 16);
  private namesEnd = 0;
  private dead = 0;
  /** One past the highest index in use. */
  end = 0;

  constructor() {
    this.append(NONE, Buffer.alloc(0));
  }

  get live(): number {
    return this.end - this.dead;
  }

  isAlive(index: number): boolean {
    return (this.flagsOf(index) & Flag.dead) === 0;
  }

  add(parent: number, name: Uint8Array): number {
    const index = this.append(parent, name);
    this.nextSiblings[index] = this.firstChildren[parent] ?? NONE;
    this.firstChildren[parent] = index;
    return index;
  }

  /** Takes a directory and all below it out. The root stays, known for nothing. */
  remove(index: number): void {
    for (const child of this.children(index)) {
      this.bury(child);
    }
    this.firstChildren[index] = NONE;
    if (index === DirectoryTable.ROOT) {
      this.flags[index] = 0;
      return;
    }
    this.unlink(index);
    this.flags[index] = Flag.dead;
    this.dead += 1;
  }

  *children(index: number): Generator<number> {
    for (let child = this.firstChildren[index] ?? NONE; child !== NONE;) {
      const next: number = this.nextSiblings[child] ?? NONE;
      yield child;
      child = next;
    }
  }

  nameOf(index: number): Buffer {
    const start = this.nameStarts[index] ?? 0;
    return this.names.subarray(start, start + (this.nameLengths[index] ?? 0));
  }

  /** Relative to the root; empty for the root itself. */
  pathOf(index: number): Buffer {
    const parts: Buffer[] = [];
    for (let at = index; at > DirectoryTable.ROOT; at = this.parents[at] ?? 0) {
      parts.push(this.nameOf(at));
    }
    const path = Buffer.alloc(parts.reduce((length, part) => length + part.length + 1, 0));
    let end = 0;
    for (const part of parts.reverse()) {
      end += part.copy(path, end);
      path[end] = 0x2f;
      end += 1;
    }
    return path.subarray(0, Math.max(0, end - 1));
  }

  /** Whether a directory above `index` is this one: the tree would never end below it. */
  isLoop(index: number, facts: DirectoryFacts): boolean {
    for (let at = index; at > DirectoryTable.ROOT;) {
      at = this.parents[at] ?? 0;
      if (this.inodes[at] === facts.inode && this.devices[at] === facts.device) {
        return true;
      }
    }
    return false;
  }

  identify(index: number, facts: DirectoryFacts): void {
    this.inodes[index] = facts.inode;
    this.devices[index] = facts.device;
  }

  /**
   * Notes the mtime that a directory has now; answers for how long it has been seen with it, in ms. Only times of this
   * machine's monotonic clock are compared with each other, so the clock of a file server may be wrong by any amount.
   */
  noteMtime(index: number, mtimeNs: bigint, nowMs: number): number {
    if (this.mtimes[index] !== mtimeNs || (this.flagsOf(index) & Flag.looked) === 0) {
      this.mtimes[index] = mtimeNs;
      this.seenSince[index] = nowMs;
      this.flags[index] = (this.flagsOf(index) | Flag.looked) & ~Flag.conclusive;
      return 0;
    }
    return nowMs - (this.seenSince[index] ?? nowMs);
  }

  mtimeOf(index: number): bigint {
    return this.mtimes[index] ?? 0n;
  }

  /** Whether the last listing holds for as long as the mtime stays what it is. */
  isConclusive(index: number): boolean {
    return (this.flagsOf(index) & Flag.conclusive) !== 0;
  }

  setConclusive(index: number, mtimeNs: bigint): void {
    if (this.isAlive(index) && this.mtimes[index] === mtimeNs) {
      this.flags[index] = this.flagsOf(index) | Flag.conclusive;
    }
  }

  isTold(index: number): boolean {
    return (this.flagsOf(index) & Flag.told) !== 0;
  }

  setTold(index: number): void {
    this.flags[index] = this.flagsOf(index) | Flag.told;
  }

  /** Marks a directory as met in a listing of its parent. */
  meet(index: number, listing: number): void {
    this.listings[index] = listing;
  }

  /** After a complete listing: directories that it did not meet are gone. */
  keepMet(parent: number, listing: number): void {
    const children = [...this.children(parent)];
    this.firstChildren[parent] = NONE;
    for (const child of children) {
      if (this.listings[child] === listing) {
        this.nextSiblings[child] = this.firstChildren[parent] ?? NONE;
        this.firstChildren[parent] = child;
      } else {
        this.bury(child);
      }
    }
  }

  /** Gives the room of removed directories back. Indexes change: nobody may hold one. */
  compact(): void {
    if (this.dead < 1000 || this.dead < this.live) {
      return;
    }
    const fresh = new DirectoryTable();
    const moved = new Int32Array(this.end).fill(NONE);
    for (let index = 0; index < this.end; index += 1) {
      if (this.isAlive(index)) {
        // A parent always has the smaller index.
        const to = index === 0 ? 0 : fresh.add(moved[this.parents[index] ?? 0] ?? 0, this.nameOf(index));
        moved[index] = to;
        fresh.flags[to] = this.flagsOf(index);
        fresh.inodes[to] = this.inodes[index] ?? 0n;
        fresh.devices[to] = this.devices[index] ?? 0n;
        fresh.mtimes[to] = this.mtimes[index] ?? 0n;
        fresh.seenSince[to] = this.seenSince[index] ?? 0;
        fresh.listings[to] = this.listings[index] ?? 0;
      }
    }
    Object.assign(this, fresh);
  }

  private bury(index: number): void {
    const pending = [index];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      pending.push(...this.children(at));
      this.flags[at] = Flag.dead;
      this.dead += 1;
    }
  }

  private unlink(index: number): void {
    const parent = this.parents[index] ?? 0;
    const next = this.nextSiblings[index] ?? NONE;
    if (this.firstChildren[parent] === index) {
      this.firstChildren[parent] = next;
      return;
    }
    for (const sibling of this.children(parent)) {
      if (this.nextSiblings[sibling] === index) {
        this.nextSiblings[sibling] = next;
        return;
      }
    }
  }

  private flagsOf(index: number): number {
    return this.flags[index] ?? Flag.dead;
  }

  private append(parent: number, name: Uint8Array): number {
    if (this.end === this.parents.length) {
      this.grow();
    }
    if (this.namesEnd + name.length > this.names.length) {
      const larger = Buffer.alloc((this.names.length + name.length) * 2);
      this.names.copy(larger);
      this.names = larger;
    }
    const index = this.end;
    this.end += 1;
    this.parents[index] = parent;
    this.firstChildren[index] = NONE;
    this.nextSiblings[index] = NONE;
    this.nameStarts[index] = this.namesEnd;
    this.nameLengths[index] = name.length;
    this.flags[index] = 0;
    this.listings[index] = 0;
    this.names.set(name, this.namesEnd);
    this.namesEnd += name.length;
    return index;
  }

  private grow(): void {
    const capacity = this.parents.length * 2;
    this.parents = larger(this.parents, new Int32Array(capacity));
    this.firstChildren = larger(this.firstChildren, new Int32Array(capacity));
    this.nextSiblings = larger(this.nextSiblings, new Int32Array(capacity));
    this.nameStarts = larger(this.nameStarts, new Uint32Array(capacity));
    this.nameLengths = larger(this.nameLengths, new Uint16Array(capacity));
    this.flags = larger(this.flags, new Uint8Array(capacity));
    this.inodes = larger(this.inodes, new BigUint64Array(capacity));
    this.devices = larger(this.devices, new BigUint64Array(capacity));
    this.mtimes = larger(this.mtimes, new BigInt64Array(capacity));
    this.seenSince = larger(this.seenSince, new Float64Array(capacity));
    this.listings = larger(this.listings, new Uint32Array(capacity));
  }
}

function larger<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
