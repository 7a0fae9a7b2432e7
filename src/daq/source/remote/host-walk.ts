import { textToPath } from '../../../kernel/path-text.js';
import { directoryOf, joinBytes, nameOf } from '../../../kernel/path-bytes.js';
import { FileFilter } from '../../scan/file-filter.js';
import { DirectoryTable } from '../directory-table.js';
import type { CloseLook } from '../file-looks.js';
import { fingerprintOf, Fingerprints } from '../fingerprints.js';
import { BatchBuilder, type Delivery } from '../scan-delivery.js';
import type { ScannedFile, ScanRequest } from '../source-tree.port.js';
import { CLOCK_GRAIN_MS } from '../tree-walk.js';
import type { FoundEntry } from './found-entry.js';
import type { HostDirectory, Untold } from './host-directory.js';
import { FACTS_SCRIPT, LIST_SCRIPT } from './host-scripts.js';

/** Directories that one call lists. */
const LISTED_AT_ONCE = 100;
/** Directories that one call asks for their mtime. */
const ASKED_AT_ONCE = 2000;
const NOTHING_UNTOLD: Untold = { codes: new Map(), isCut: false };

export interface HostWalkParts {
  host: HostDirectory;
  batchSize: number;
  lookAtAll(relativePaths: readonly Uint8Array[]): Promise<CloseLook[]>;
  nowMs(): number;
}

/**
 * Walks a tree on another machine, pass after pass. It remembers the same as the walk over a local tree, and concludes
 * from it in the same way; but one call asks about many directories, since each takes its way there and back.
 */
export class HostWalk {
  private readonly table = new DirectoryTable();
  private readonly prints = new Fingerprints();
  private openPasses = 0;
  private listing = 0;

  constructor(private readonly parts: HostWalkParts) {}

  async *pass(request: ScanRequest): AsyncGenerator<Delivery> {
    if (this.openPasses === 0) {
      this.table.compact();
    }
    this.openPasses += 1;
    try {
      yield* new HostPass(this.table, this.prints, this.parts, request, () => ++this.listing).run();
    } finally {
      this.openPasses -= 1;
    }
  }
}

/** A directory whose listing is under way. */
interface Listed {
  index: number;
  path: Buffer;
  mtimeNs: bigint;
  seenForMs: number;
  children: ReadonlyMap<string, number>;
}

class HostPass {
  private readonly filter: FileFilter;
  private readonly out: BatchBuilder;
  private readonly isFull: boolean;
  private readonly named: readonly Buffer[];
  private readonly queue: number[] = [];

  constructor(
    private readonly table: DirectoryTable,
    private readonly prints: Fingerprints,
    private readonly parts: HostWalkParts,
    private readonly request: ScanRequest,
    private readonly nextListing: () => number,
  ) {
    this.filter = new FileFilter(request.filter);
    this.out = new BatchBuilder(parts.batchSize);
    this.isFull = request.pass === 'full';
    this.named = request.filter.onlyFiles.map(textToPath);
  }

  async *run(): AsyncGenerator<Delivery> {
    if (this.named.length > 0) {
      yield* this.look(this.named);
    } else {
      await this.plan();
      while (this.queue.length > 0) {
        yield* this.list(this.queue.splice(0, LISTED_AT_ONCE));
      }
    }
    if (!this.out.isEmpty) {
      yield this.out.end();
    }
  }

  /** Which directories are listed first; those that are found below them join. */
  private async plan(): Promise<void> {
    if (this.request.only !== undefined) {
      this.queue.push(...this.request.only.flatMap((path) => this.find(path) ?? []));
    } else if (this.isFull) {
      this.queue.push(DirectoryTable.ROOT);
    } else {
      await this.planChanged();
    }
  }

  private async planChanged(): Promise<void> {
    const end = this.table.end;
    for (let from = 0; from < end; from += ASKED_AT_ONCE) {
      const alive = Array.from({ length: Math.min(end, from + ASKED_AT_ONCE) - from }, (_, at) => from + at).filter(
        (index) => this.table.isAlive(index),
      );
      const asked = this.byPath(alive);
      let untold = NOTHING_UNTOLD;
      for await (const entries of this.parts.host.entries(FACTS_SCRIPT, this.pathsOf(alive), (now) => (untold = now))) {
        for (const entry of entries) {
          const key = entry.path.toString('latin1');
          const index = asked.get(key);
          if (index !== undefined && entry.type === 'd' && this.table.isAlive(index)) {
            asked.delete(key);
            this.table.noteMtime(index, entry.mtimeNs, this.parts.nowMs());
            if (!this.table.isConclusive(index)) {
              this.queue.push(index);
            }
          }
        }
      }
      this.leaveOut(asked, untold);
    }
  }

  private async *list(group: readonly number[]): AsyncGenerator<Delivery> {
    const alive = group.filter((index) => this.table.isAlive(index));
    const asked = this.byPath(alive);
    const listing = this.nextListing();
    const listed: Listed[] = [];
    let current: Listed | undefined;
    let untold = NOTHING_UNTOLD;
    for await (const entries of this.parts.host.entries(LIST_SCRIPT, this.pathsOf(alive), (now) => (untold = now))) {
      for (const entry of entries) {
        if (entry.depth === 0) {
          current = this.enter(asked, entry);
          listed.push(...(current === undefined ? [] : [current]));
        } else if (current !== undefined) {
          this.meet(current, entry, listing);
        }
        if (this.out.isFull) {
          yield this.out.end();
        }
      }
    }
    this.leaveOut(asked, untold);
    this.conclude(listed, untold, { listing, toldAlready: asked });
  }

  /** Begins with a directory; undefined when its entries are not wanted. */
  private enter(asked: Map<string, number>, entry: FoundEntry): Listed | undefined {
    const { path, mtimeNs } = entry;
    const index = asked.get(path.toString('latin1'));
    if (index === undefined || entry.type !== 'd' || !this.table.isAlive(index)) {
      return undefined;
    }
    asked.delete(path.toString('latin1'));
    const facts = { device: entry.device, inode: entry.inode, mtimeNs };
    const seenForMs = this.table.noteMtime(index, mtimeNs, this.parts.nowMs());
    if (this.table.isLoop(index, facts)) {
      this.out.problem(path, 'DIRECTORY_LOOP');
      return undefined;
    }
    this.table.identify(index, facts);
    if (!this.table.isTold(index)) {
      this.out.directory(path, () => this.table.setTold(index));
    }
    const known = this.table.children(index);
    const children = new Map(Array.from(known, (child) => [this.table.nameOf(child).toString('latin1'), child]));
    return { index, path, mtimeNs, seenForMs, children };
  }

  private meet(parent: Listed, entry: FoundEntry, listing: number): void {
    const { path, type } = entry;
    if (type === 'd') {
      this.meetDirectory(parent, nameOf(path), listing);
    } else if (!this.filter.acceptsFile(path)) {
      return;
    } else if (type !== 'f') {
      this.out.problem(path, type === 'l' ? 'SYMBOLIC_LINK' : 'NOT_A_REGULAR_FILE');
    } else if (this.filter.isTemporary(path)) {
      this.out.problem(path, 'TEMPORARY_NAME');
    } else {
      this.take(fileOf(entry));
    }
  }

  private meetDirectory(parent: Listed, name: Buffer, listing: number): void {
    if (!this.filter.acceptsDirectory(name)) {
      return;
    }
    const known = parent.children.get(name.toString('latin1'));
    const child = known !== undefined && this.table.isAlive(known) ? known : this.table.add(parent.index, name);
    this.table.meet(child, listing);
    if (this.isFull || child !== known) {
      this.queue.push(child);
    }
  }

  private take(file: ScannedFile): void {
    const print = fingerprintOf(file);
    if (this.isFull || !this.prints.has(print)) {
      this.out.file(file, () => this.prints.add(print));
    }
  }

  /** Directories of which nothing was told: they are gone, unless there was a complaint. */
  private leaveOut(asked: ReadonlyMap<string, number>, { codes, isCut }: Untold): void {
    for (const [key, index] of asked) {
      const code = codes.get(key);
      if (code !== undefined || isCut) {
        this.out.problem(Buffer.from(key, 'latin1'), code ?? 'UNKNOWN');
      } else if (this.table.isAlive(index)) {
        this.table.remove(index);
      }
    }
  }

  /** After the last entry: what was listed wholly, and what in it could not be told. */
  private conclude(
    listed: readonly Listed[],
    { codes, isCut }: Untold,
    { listing, toldAlready }: { listing: number; toldAlready: ReadonlyMap<string, number> },
  ): void {
    const doubtful = new Set<string>();
    for (const [key, code] of codes) {
      const path = Buffer.from(key, 'latin1');
      doubtful.add(key).add(directoryOf(path).toString('latin1'));
      if (!toldAlready.has(key) && (listed.some((one) => one.path.equals(path)) || this.filter.acceptsFile(path))) {
        this.out.problem(path, code);
      }
    }
    for (const { index, path, mtimeNs, seenForMs } of listed) {
      if (isCut || doubtful.has(path.toString('latin1')) || !this.table.isAlive(index)) {
        continue;
      }
      this.table.keepMet(index, listing);
      if (seenForMs >= CLOCK_GRAIN_MS) {
        this.out.whenTaken(() => this.table.setConclusive(index, mtimeNs));
      }
    }
  }

  private async *look(paths: readonly Buffer[]): AsyncGenerator<Delivery> {
    const looks = await this.parts.lookAtAll(paths);
    for (const [at, look] of looks.entries()) {
      const path = paths[at] ?? Buffer.alloc(0);
      if (typeof look !== 'object') {
        this.out.problem(path, 'NO_SUCH_FILE');
      } else if ('code' in look) {
        this.out.problem(path, look.code);
      } else {
        this.take(look);
      }
      if (this.out.isFull) {
        yield this.out.end();
      }
    }
  }

  /** A directory that somebody named; the way to it is learned if its listing was not taken yet. */
  private find(path: Buffer): number | undefined {
    let index = DirectoryTable.ROOT;
    for (const name of path.length === 0 ? [] : path.toString('latin1').split('/')) {
      const bytes = Buffer.from(name, 'latin1');
      if (!this.filter.acceptsDirectory(bytes)) {
        return undefined;
      }
      index =
        Array.from(this.table.children(index)).find((child) => this.table.nameOf(child).equals(bytes)) ??
        this.table.add(index, bytes);
    }
    return index;
  }

  private byPath(indexes: readonly number[]): Map<string, number> {
    return new Map(indexes.map((index) => [this.table.pathOf(index).toString('latin1'), index]));
  }

  private pathsOf(indexes: readonly number[]): Buffer[] {
    return indexes.map((index) => joinBytes(this.table.pathOf(index)));
  }
}

export function fileOf({ path, device, inode, sizeBytes, mtimeNs, ctimeNs }: FoundEntry): ScannedFile {
  return { relativePath: path, device, inode, sizeBytes, mtimeNs, ctimeNs };
}
