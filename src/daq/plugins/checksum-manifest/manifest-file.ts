import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { driverCode } from '../../../kernel/errors.js';
import { directoryOf, joinBytes, nameOf } from '../../../kernel/path-bytes.js';
import { type AreaRights, syncDirectory } from '../../../storage/index.js';
import { checksumLine } from '../../manifest/checksum-line.js';

/** One file in a list that `md5sum -c` checks. */
export interface ManifestItem {
  /** Relative to where the list is checked. */
  name: Buffer;
  digest: string;
}

/** What is looked through for lines that an attempt before has written, and for a torn one: some batches. */
const TAIL_BYTES = 262_144;
const LINE_FEED = 0x0a;
const DIGEST_AND_SPACES = 34;
/** As long as one, for lines whose name alone matters. */
const NO_DIGEST = '-'.repeat(32);

/**
 * A list of digests on disk. Adding appends whole lines with one write and syncs them; a line that a crash has cut short
 * is removed by the next writer, and lines that an attempt before has written are not written twice. One writer at a
 * time for each file.
 */
export class ManifestFile {
  constructor(
    private readonly path: Buffer,
    /** On whose way directories are made. */
    private readonly experiment: Buffer,
    private readonly rights: AreaRights,
  ) {}

  async add(items: readonly ManifestItem[]): Promise<void> {
    const file = await this.open();
    try {
      const tail = await mendedTail(file);
      const lines = items.map(lineOf).filter((line) => !tail.has(line));
      if (lines.length > 0) {
        await file.appendFile(Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'));
        await file.datasync();
      }
    } finally {
      await file.close();
    }
  }

  /** Writes the list anew without what it says of `names` and of the names of `items`, and with these. */
  async replace(items: readonly ManifestItem[], names: readonly Buffer[]): Promise<void> {
    await (await this.open()).close();
    const fresh = joinBytes(
      directoryOf(this.path),
      Buffer.concat([Buffer.from('.'), nameOf(this.path), Buffer.from('.new')]),
    );
    const lines = items.map(lineOf);
    const dropped = names.map((name) => lineOf({ name, digest: NO_DIGEST }));
    const replaced = new Set([...lines, ...dropped].map(nameIn));
    const [from, to] = [await open(this.path, READ), await open(fresh, REWRITE, 0o600)];
    try {
      await this.rights.giveToFile(to);
      for await (const line of from.readLines({ encoding: 'latin1' })) {
        if (line.length > DIGEST_AND_SPACES && !replaced.has(nameIn(line))) {
          await to.appendFile(`${line}\n`, 'latin1');
        }
      }
      await to.appendFile(lines.map((line) => `${line}\n`).join(''), 'latin1');
      await to.sync();
    } finally {
      await Promise.all([from.close().catch(() => undefined), to.close()]);
    }
    await rename(fresh, this.path);
    await syncDirectory(directoryOf(this.path));
  }

  private async open(): Promise<FileHandle> {
    try {
      return await open(this.path, APPEND);
    } catch (error) {
      if (driverCode(error) !== 'ENOENT') {
        throw error;
      }
    }
    await this.rights.makeDirectories(this.experiment, directoryOf(this.path));
    const file = await open(this.path, APPEND | constants.O_CREAT, 0o600);
    await this.rights.giveToFile(file);
    await syncDirectory(directoryOf(this.path));
    return file;
  }
}

/** No link is followed: whoever may write into the directory must not lead the station elsewhere. */
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW;
const READ = constants.O_RDONLY | constants.O_NOFOLLOW;
const REWRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** The last lines of the file, after a torn one has been removed. Text holds one character per byte. */
async function mendedTail(file: FileHandle): Promise<Set<string>> {
  const { size } = await file.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  const tail = buffer.subarray(0, bytesRead);
  const whole = tail.lastIndexOf(LINE_FEED) + 1;
  if (whole < tail.length) {
    await file.truncate(start + whole);
  }
  return new Set(tail.subarray(0, whole).toString('latin1').split('\n'));
}

function lineOf({ name, digest }: ManifestItem): string {
  return checksumLine(digest, name).toString('latin1').slice(0, -1);
}

/** The name as it stands in a line, escaped. */
function nameIn(line: string): string {
  return line.slice(line.startsWith('\\') ? DIGEST_AND_SPACES + 1 : DIGEST_AND_SPACES);
}
