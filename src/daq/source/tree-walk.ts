import { lstatSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import { textToPath } from '../../kernel/path-text.js';
import { FileFilter } from '../scan/file-filter.js';
import { type DirectoryFacts, DirectoryTable } from './directory-table.js';
import type { CloseLook } from './file-looks.js';
import { fingerprintOf, Fingerprints } from './fingerprints.js';
import { type NameList, readNames } from './name-list.js';
import { BatchBuilder, type Delivery } from './scan-delivery.js';
import type { ScannedFile, ScanRequest } from './source-tree.port.js';

/** Names are looked at in such handfuls: enough to share among threads, and soon done. */
const HANDFUL = 250;
/**
 * The coarsest clock that stamps directories (FAT: 2 s; NFS version 3, HFS: 1 s), in ms. Until a directory has been seen
 * with the same mtime for this long, another file may come without changing it.
 */
export const CLOCK_GRAIN_MS = 2000;

/** Looks at many paths of the tree; answers in the order given. */
export type LookAtAll = (relativePaths: readonly Buffer[]) => CloseLook[] | Promise<CloseLook[]>;

export interface WalkParts {
  root: Buffer;
  batchSize: number;
  lookAtAll: LookAtAll;
  /** Called with each answer of the file system. */
  beat(): void;
  nowMs(): number;
}

/**
 * Walks one tree, pass after pass, and remembers of each directory when it was last listed. Symbolic links are not
 * followed: they could lead anywhere. Made for a thread of its own: listing is synchronous.
 */
export class TreeWalk {
  private readonly table = new DirectoryTable();
  private readonly prints = new Fingerprints();
  private openPasses = 0;
  private listing = 0;

  constructor(private readonly parts: WalkParts) {}

  get directories(): number {
    return this.table.live;
  }

  async *pass(request: ScanRequest): AsyncGenerator<Delivery> {
    if (this.openPasses === 0) {
      this.table.compact();
    }
    this.openPasses += 1;
    try {
      const pass = new Pass(this.table, this.prints, this.parts, request, () => ++this.listing);
      yield* pass.run();
    } finally {
      this.openPasses -= 1;
    }
  }
}

class Pass {
  private readonly filter: FileFilter;
  private readonly out: BatchBuilder;
  private readonly isFull: boolean;
  /** Directories to list in a pass over some only; new ones below them join. */
  private readonly queue: number[] | undefined;
  private readonly named: readonly Buffer[];

  constructor(
    private readonly table: DirectoryTable,
    private readonly prints: Fingerprints,
    private readonly parts: WalkParts,
    request: ScanRequest,
    private readonly nextListing: () => number,
  ) {
    this.filter = new FileFilter(request.filter);
    this.out = new BatchBuilder(parts.batchSize);
    this.isFull = request.pass === 'full';
    this.named = request.filter.onlyFiles.map(textToPath);
    this.queue = request.only?.flatMap((path) => this.find(path) ?? []);
  }

  async *run(): AsyncGenerator<Delivery> {
    if (this.named.length > 0) {
      // Files that were named one by one: no tree of a million others is walked for them.
      yield* this.look(this.named);
    } else if (this.queue !== undefined) {
      for (let index = this.queue.shift(); index !== undefined; index = this.queue.shift()) {
        yield* this.directory(index, true);
      }
    } else {
      // Directories found on the way are appended, so the loop comes to them.
      for (let index = 0; index < this.table.end; index += 1) {
        yield* this.directory(index, this.isFull);
      }
    }
    if (!this.out.isEmpty) {
      yield this.out.end();
    }
  }

  private async *directory(index: number, isWanted: boolean): AsyncGenerator<Delivery> {
    if (!this.table.isAlive(index)) {
      return;
    }
    const path = this.table.pathOf(index);
    const facts = this.factsOf(index, path);
    if (facts === undefined) {
      return;
    }
    const seenForMs = this.table.noteMtime(index, facts.mtimeNs, this.parts.nowMs());
    if (!isWanted && this.table.isConclusive(index)) {
      return;
    }
    if (this.table.isLoop(index, facts)) {
      this.out.problem(path, 'DIRECTORY_LOOP');
      return;
    }
    this.table.identify(index, facts);
    if (!this.table.isTold(index)) {
      this.out.directory(path, () => this.table.setTold(index));
    }
    if (!(yield* this.list(index, path))) {
      return;
    }
    if (seenForMs >= CLOCK_GRAIN_MS) {
      this.out.whenTaken(() => this.table.setConclusive(index, facts.mtimeNs));
    }
  }

  /** Undefined when there is no such directory any more, or nothing can be told of it. */
  private factsOf(index: number, path: Buffer): DirectoryFacts | undefined {
    const isRoot = index === DirectoryTable.ROOT;
    try {
      // The root may be reached through a link that a person named; what lies below may not.
      const at = isRoot ? joinBytes(this.parts.root, Buffer.from('.')) : joinBytes(this.parts.root, path);
      const stats = lstatSync(at, { bigint: true, throwIfNoEntry: false });
      this.parts.beat();
      if (stats?.isDirectory() === true) {
        return { device: stats.dev, inode: stats.ino, mtimeNs: stats.mtimeNs };
      }
      this.table.remove(index);
      if (isRoot) {
        this.out.problem(path, 'ENOENT');
      }
    } catch (error) {
      this.out.problem(path, driverCode(error) ?? 'UNKNOWN');
    }
    return undefined;
  }

  /** Answers whether the listing is complete. */
  private async *list(index: number, path: Buffer): AsyncGenerator<Delivery, boolean> {
    let names: NameList;
    try {
      names = readNames(joinBytes(this.parts.root, path, Buffer.from('.')), this.parts.beat);
    } catch (error) {
      const code = driverCode(error) ?? 'UNKNOWN';
      // A directory that went away between its listing and now was just removed; the root itself must be there.
      if (code !== 'ENOENT' || index === DirectoryTable.ROOT) {
        this.out.problem(path, code);
      }
      return false;
    }
    const listing = this.nextListing();
    const known = this.childrenByName(index);
    let handful: Buffer[] = [];
    for (const { name, kind } of names) {
      if (kind === 'directory') {
        this.meet(index, name, known.get(name.toString('latin1')), listing);
        continue;
      }
      const filePath = joinBytes(path, name);
      if (!this.filter.acceptsFile(filePath)) {
        continue;
      }
      if (kind === 'file' && this.filter.isTemporary(filePath)) {
        this.out.problem(filePath, 'TEMPORARY_NAME');
      } else if (kind === 'file') {
        handful.push(filePath);
      } else {
        this.out.problem(filePath, kind === 'link' ? 'SYMBOLIC_LINK' : 'NOT_A_REGULAR_FILE');
      }
      if (handful.length >= HANDFUL) {
        yield* this.look(handful);
        handful = [];
      }
      if (this.out.isFull) {
        yield this.out.end();
      }
    }
    yield* this.look(handful);
    this.table.keepMet(index, listing);
    return true;
  }

  private childrenByName(index: number): Map<string, number> {
    const known = new Map<string, number>();
    for (const child of this.table.children(index)) {
      known.set(this.table.nameOf(child).toString('latin1'), child);
    }
    return known;
  }

  private meet(parent: number, name: Buffer, known: number | undefined, listing: number): void {
    if (!this.filter.acceptsDirectory(name)) {
      return;
    }
    const child = known ?? this.table.add(parent, name);
    this.table.meet(child, listing);
    if (known === undefined) {
      this.queue?.push(child);
    }
  }

  private async *look(paths: readonly Buffer[]): AsyncGenerator<Delivery> {
    const looks = await this.parts.lookAtAll(paths);
    for (const [at, look] of looks.entries()) {
      if (typeof look === 'object' && 'code' in look) {
        this.out.problem(paths[at] ?? Buffer.alloc(0), look.code);
      } else if (typeof look === 'object') {
        this.take(look);
      } else if (this.named.length > 0) {
        this.out.problem(paths[at] ?? Buffer.alloc(0), 'NO_SUCH_FILE');
      }
      if (this.out.isFull) {
        yield this.out.end();
      }
    }
  }

  private take(file: ScannedFile): void {
    const print = fingerprintOf(file);
    if (this.isFull || !this.prints.has(print)) {
      this.out.file(file, () => this.prints.add(print));
    }
  }

  /** A directory that an event named; the way to it is learned if its listing was not taken yet. */
  private find(path: Buffer): number | undefined {
    let index = DirectoryTable.ROOT;
    for (const name of path.length === 0 ? [] : path.toString('latin1').split('/')) {
      const bytes = Buffer.from(name, 'latin1');
      if (!this.filter.acceptsDirectory(bytes)) {
        return undefined;
      }
      index = this.child(index, bytes) ?? this.table.add(index, bytes);
    }
    return index;
  }

  private child(parent: number, name: Buffer): number | undefined {
    for (const child of this.table.children(parent)) {
      if (this.table.nameOf(child).equals(name)) {
        return child;
      }
    }
    return undefined;
  }
}
