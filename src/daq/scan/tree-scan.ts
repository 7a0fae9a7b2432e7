import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { driverCode } from '../../kernel/errors.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import { textToPath } from '../../kernel/path-text.js';
import type { ScanBatch, ScannedFile } from '../source/source-tree.port.js';
import { FileFilter, type FilterOptions } from './file-filter.js';

/**
 * Walks a tree depth first with synchronous calls (made for a worker thread) and yields what it finds in batches.
 * Symbolic links are not followed: they could lead anywhere, and a loop would never end. Only regular files are data.
 */
export function* scanTree(root: Buffer, options: FilterOptions, batchSize: number): Generator<ScanBatch> {
  if (options.onlyFiles.length > 0) {
    yield lookAtOnly(root, options.onlyFiles);
    return;
  }
  const filter = new FileFilter(options);
  const pending: Buffer[] = [Buffer.alloc(0)];
  let batch: ScanBatch = { files: [], problems: [], directories: [] };
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of listDirectory(root, directory, batch)) {
      const relativePath = joinBytes(directory, entry.name);
      if (entry.isDirectory()) {
        if (filter.acceptsDirectory(entry.name)) {
          pending.push(relativePath);
        }
      } else if (filter.acceptsFile(relativePath)) {
        look(root, relativePath, entry, batch);
      }
      if (batch.files.length + batch.problems.length >= batchSize) {
        yield batch;
        batch = { files: [], problems: [], directories: [] };
      }
    }
  }
  if (batch.files.length + batch.problems.length > 0) {
    yield batch;
  }
}

/** Files that were named one by one: no tree of a million others is walked for them. */
function lookAtOnly(root: Buffer, paths: readonly string[]): ScanBatch {
  const batch: ScanBatch = { files: [], problems: [], directories: [] };
  for (const relativePath of paths.map(textToPath)) {
    try {
      const file = lookAt(root, relativePath);
      if (file === undefined) {
        batch.problems.push({ relativePath, code: 'NO_SUCH_FILE' });
      } else {
        batch.files.push(file);
      }
    } catch (error) {
      batch.problems.push({ relativePath, code: driverCode(error) ?? 'UNKNOWN' });
    }
  }
  return batch;
}

function listDirectory(root: Buffer, directory: Buffer, batch: ScanBatch): Dirent<Buffer>[] {
  try {
    return readdirSync(joinBytes(root, directory), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    const code = driverCode(error) ?? 'UNKNOWN';
    // A directory that went away between its listing and now was just removed; the root itself must be there.
    if (code !== 'ENOENT' || directory.length === 0) {
      batch.problems.push({ relativePath: directory, code });
    }
    return [];
  }
}

function look(root: Buffer, relativePath: Buffer, entry: Dirent<Buffer>, batch: ScanBatch): void {
  if (!entry.isFile()) {
    batch.problems.push({ relativePath, code: entry.isSymbolicLink() ? 'SYMBOLIC_LINK' : 'NOT_A_REGULAR_FILE' });
    return;
  }
  try {
    const file = lookAt(root, relativePath);
    if (file !== undefined) {
      batch.files.push(file);
    }
  } catch (error) {
    batch.problems.push({ relativePath, code: driverCode(error) ?? 'UNKNOWN' });
  }
}

/**
 * Facts of one regular file now; undefined when it is gone or something else.
 *
 * @throws what the file system says when it cannot tell (EIO, ESTALE, EACCES): that does not mean that the file is gone.
 */
export function lookAt(root: Buffer, relativePath: Buffer): ScannedFile | undefined {
  const stats = lstatSync(joinBytes(root, relativePath), { bigint: true, throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) {
    return undefined;
  }
  return {
    relativePath,
    device: stats.dev,
    inode: stats.ino,
    sizeBytes: stats.size,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  };
}

/** The same for callers that look again later anyway. */
export function lookIfPossible(root: Buffer, relativePath: Buffer): ScannedFile | 'unreadable' | undefined {
  try {
    return lookAt(root, relativePath);
  } catch {
    return 'unreadable';
  }
}
