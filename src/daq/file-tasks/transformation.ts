import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CatalogService } from '../../catalog/index.js';
import { driverCode } from '../../kernel/errors.js';
import { objectId } from '../../kernel/ids.js';
import { directoryOf, joinBytes } from '../../kernel/path-bytes.js';
import { pathToText, textToPath } from '../../kernel/path-text.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { AreaRights, ReplicaRepository, StorageArea, syncDirectory } from '../../storage/index.js';
import { Deletion } from './deletion.js';
import { DerivedFiles } from './derived-files.js';
import {
  type Algorithm,
  type Derived,
  type FileTask,
  type FileTaskItem,
  type ItemOutcome,
  leftOut,
} from './file-task.js';
import { FileTaskRepository } from './file-task.repository.js';
import { FileWorker } from './file-worker.js';
import type { ExperimentFiles } from './trash.js';

export const ENDINGS: Record<Algorithm, string> = { gzip: '.gz', zstd: '.zst' };

/** The path that a task makes of a path (text form); undefined when there is nothing to do for such a name. */
export function derivedPath(task: Pick<FileTask, 'kind' | 'request'>, path: string): string | undefined {
  const compressed = algorithmOf(path);
  if (task.kind === 'compress') {
    return compressed === undefined ? `${path}${ENDINGS[task.request.algorithm]}` : undefined;
  }
  const name = compressed === undefined ? '' : path.slice(0, -ENDINGS[compressed].length);
  return name === '' || name.endsWith('/') ? undefined : name;
}

function algorithmOf(path: string): Algorithm | undefined {
  return (Object.keys(ENDINGS) as Algorithm[]).find((algorithm) => path.endsWith(ENDINGS[algorithm]));
}

/**
 * Makes the compressed (or decompressed) twin of a stored file: written beside it, proven by reading it back and, where
 * it was compressed, decompressing it, then published and cataloged as a file of its own. Only after that the original
 * may go to the trash. Each step may be repeated after a crash.
 */
@Injectable()
export class Transformation {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly catalog: CatalogService,
    private readonly database: Database,
    private readonly repository: FileTaskRepository,
    private readonly replicas: ReplicaRepository,
    private readonly derivedFiles: DerivedFiles,
    private readonly area: StorageArea,
    private readonly rights: AreaRights,
    private readonly worker: FileWorker,
    private readonly deletion: Deletion,
  ) {}

  async apply(task: FileTask, item: FileTaskItem, files: ExperimentFiles): Promise<ItemOutcome> {
    if (item.derived === null) {
      const made = await this.make(task, item, files);
      if ('kind' in made) {
        return made;
      }
      item = { ...item, derived: made };
    }
    await this.record(task, item, files);
    return task.request.removeOriginals ? this.deletion.apply(task, item, files) : { kind: 'done', isInTrash: false };
  }

  private async make(task: FileTask, item: FileTaskItem, files: ExperimentFiles): Promise<Derived | ItemOutcome> {
    const path = derivedPath(task, item.document.path);
    const objection = await this.deletion.objection(task, item);
    if (objection !== undefined || path === undefined) {
      return objection ?? leftOut('nothing-to-do', 'There is nothing to do for a file of this name.');
    }
    const target = textToPath(path);
    if (await this.repository.isKnown(task.experimentId, target)) {
      return leftOut('place-taken', `The station has a file ${path} already.`);
    }
    const temporary = joinBytes(directoryOf(target), Buffer.from(`.dm-${task.id}-${item.ordinal}.part`));
    const result = await this.worker.run({
      kind: task.kind === 'decompress' ? 'decompress' : 'compress',
      algorithm: task.kind === 'compress' ? task.request.algorithm : (algorithmOf(item.document.path) ?? 'gzip'),
      input: files.at(item.location),
      temporary: files.at(temporary),
      rights: this.rights.ofFiles,
      mostBytes: Math.max(0, (await this.area.freeBytes()) - this.config.storage.reserveBytes),
    });
    if (result.status === 'refused') {
      await remove(files.at(temporary));
      return leftOut(result.code, result.reason);
    }
    if (result.inputMd5Sum !== item.document.md5Sum) {
      await remove(files.at(temporary));
      return leftOut('damaged', 'The file in storage does not hold what was recorded; "dm audit" finds out more.');
    }
    if (!(await publish(files, temporary, target))) {
      return leftOut('place-taken', `Another file stands at ${path} already.`);
    }
    const { outputMd5Sum: md5Sum, outputBytes: sizeBytes, contentMd5Sum, contentBytes: contentSizeBytes } = result;
    return this.enter(task, item, files, { path, md5Sum, sizeBytes, contentMd5Sum, contentSizeBytes });
  }

  /** Row, copy and the link from the item to them exist together or not at all. */
  private async enter(
    task: FileTask,
    item: FileTaskItem,
    files: ExperimentFiles,
    facts: Omit<Derived, 'ledgerId' | 'catalogId' | 'version'>,
  ): Promise<Derived> {
    const stats = await lstat(files.at(textToPath(facts.path)), { bigint: true });
    return this.database.transaction(async (tx) => {
      const catalogId = objectId();
      await this.derivedFiles.ensureOrigin(tx, task, files.at(Buffer.alloc(0)));
      const { ledgerId, version } = await this.derivedFiles.insertRow(tx, task, {
        destinationPath: textToPath(facts.path),
        sourcePath: files.at(item.location),
        sourceHost: hostname(),
        device: stats.dev,
        inode: stats.ino,
        sizeBytes: stats.size,
        mtimeNs: stats.mtimeNs,
        md5Sum: facts.md5Sum,
        catalogId,
      });
      await this.replicas.record(tx, [{ ledgerId, md5Sum: facts.md5Sum, sizeBytes: stats.size, proof: 'read-back' }]);
      const derived: Derived = { ...facts, ledgerId, catalogId, version };
      await this.repository.setDerived(tx, task.id, item.ordinal, derived);
      return derived;
    });
  }

  private async record(task: FileTask, { document, derived }: FileTaskItem, files: ExperimentFiles): Promise<void> {
    if (derived === null) {
      return;
    }
    const now = new Date().toISOString();
    const { path, version, contentMd5Sum, contentSizeBytes } = derived;
    await this.catalog.recordFiles(task.experimentId, [
      {
        id: derived.catalogId,
        path,
        version,
        sizeBytes: derived.sizeBytes,
        md5Sum: derived.md5Sum,
        createdAt: document.createdAt,
        modifiedAt: document.modifiedAt,
        acquisitionId: task.id,
        ledgerId: derived.ledgerId,
        replicas: [{ location: pathToText(files.at(textToPath(path))), proof: 'read-back', verifiedAt: now }],
        metadata: {
          ...document.metadata,
          madeFrom: {
            how: task.kind,
            path: document.path,
            version: document.version,
            contentMd5Sum,
            contentSizeBytes,
          },
        },
      },
    ]);
  }
}

/**
 * A link, unlike a rename, never takes the place of a file that is there. Answers whether the name is ours; a file with
 * the very same content is what an attempt has published that was cut off before it could be written down.
 */
async function publish(files: ExperimentFiles, temporary: Buffer, target: Buffer): Promise<boolean> {
  const [from, to] = [files.at(temporary), files.at(target)];
  try {
    await link(from, to);
  } catch (error) {
    if (driverCode(error) !== 'EEXIST') {
      throw error;
    }
    const isOurs = (await md5SumOf(from)) === (await md5SumOf(to));
    await remove(from);
    return isOurs;
  }
  await remove(from);
  await syncDirectory(directoryOf(to));
  return true;
}

async function md5SumOf(path: Buffer): Promise<string | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) {
      return undefined;
    }
    const hash = createHash('md5');
    await pipeline(handle.createReadStream({ autoClose: false }), hash);
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

async function remove(path: Buffer): Promise<void> {
  await unlink(path).catch(() => undefined);
}
