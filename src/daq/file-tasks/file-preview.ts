import { createHash, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SYSTEM_PRINCIPAL } from '../../auth/index.js';
import { type CatalogFile, CatalogService, parseFilterText } from '../../catalog/index.js';
import { StationError } from '../../kernel/errors.js';
import { type FileTaskKind, type FileTaskRequest } from './file-task.js';
import { FileTaskRepository, type NewItem } from './file-task.repository.js';
import { pathMatch } from './path-match.js';
import { derivedPath } from './transformation.js';

/** More in one task would be looked at by nobody. */
const MOST_FILES = 200_000;
const BATCH = 500;

/** Puts together and writes down which files a task is about, so that what is started is what was shown. */
@Injectable()
export class FilePreview {
  constructor(
    private readonly catalog: CatalogService,
    private readonly repository: FileTaskRepository,
  ) {}

  /** The id of the previewed task. @throws StationError NO_FILE_MATCHES, TOO_MANY_FILES, REGEX_INVALID, FILTER_* */
  async make(wanted: {
    kind: FileTaskKind;
    experimentId: number;
    request: FileTaskRequest;
    requestedBy: string;
  }): Promise<string> {
    const { request, experimentId } = wanted;
    const isMeant = pathMatch(request.pattern, request.regex);
    const filter = request.filter === null ? undefined : parseFilterText(request.filter);
    const id = randomUUID();
    await this.repository.insert({ id, ...wanted });
    try {
      const latestOnly = wanted.kind !== 'delete' || !request.allVersions;
      const stream = await this.catalog.stream(SYSTEM_PRINCIPAL, experimentId, { filter, latestOnly });
      const found = new FoundFiles(id, this.repository);
      for await (const file of stream) {
        if (isMeant(file.path) && (wanted.kind === 'delete' || derivedPath(wanted, file.path) !== undefined)) {
          await found.add(file);
        }
      }
      await found.flush();
      if (found.files === 0) {
        throw new StationError(
          'not-found',
          'NO_FILE_MATCHES',
          'No stored file of the experiment matches. Patterns see paths as "dm file list" shows them, such as data/scan1/a.h5.',
        );
      }
      await this.repository.finishPreview(id, found.summary());
      return id;
    } catch (error) {
      await this.repository.discard(id);
      throw error;
    }
  }
}

class FoundFiles {
  files = 0;
  private bytes = 0n;
  private lastCopies = 0;
  private waiting: CatalogFile[] = [];
  private readonly digest = createHash('sha256');

  constructor(
    private readonly taskId: string,
    private readonly repository: FileTaskRepository,
  ) {
    this.digest.update(taskId);
  }

  async add(file: CatalogFile): Promise<void> {
    if (file.ledgerId !== null) {
      this.waiting.push(file); // what was entered by hand is not the station's to touch
    }
    if (this.waiting.length === BATCH) {
      await this.flush();
    }
  }

  async flush(): Promise<void> {
    const copies = await this.repository.copiesOf(this.waiting.flatMap(({ ledgerId }) => ledgerId ?? []));
    const items: NewItem[] = [];
    for (const document of this.waiting) {
      const copy = copies.get(document.ledgerId ?? '');
      if (copy === undefined) {
        continue; // recorded only, or its copy is gone
      }
      this.files += 1;
      this.bytes += BigInt(document.sizeBytes);
      this.lastCopies += copy.isSourceRemoved ? 1 : 0;
      this.digest.update(`\n${document.id} ${document.revision} ${document.md5Sum ?? ''} ${document.sizeBytes}`);
      items.push({ ordinal: this.files, document, ledgerId: copy.ledgerId, location: copy.location });
    }
    this.waiting = [];
    if (this.files > MOST_FILES) {
      throw new StationError(
        'too-large',
        'TOO_MANY_FILES',
        `More than ${MOST_FILES} files match; choose a narrower pattern and do it in parts.`,
      );
    }
    if (items.length > 0) {
      await this.repository.addItems(this.taskId, items);
    }
  }

  summary(): { token: string; files: number; bytes: bigint; lastCopies: number } {
    const { files, bytes, lastCopies } = this;
    return { token: this.digest.digest('hex').slice(0, 32), files, bytes, lastCopies };
  }
}
