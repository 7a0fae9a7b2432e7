import { Injectable } from '@nestjs/common';
import { CatalogService } from '../../catalog/index.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import { pathToText, textToPath } from '../../kernel/path-text.js';
import { Database } from '../../platform/database/index.js';
import { PRIMARY, ReplicaRepository } from '../../storage/index.js';
import { documentNow, removeDocument } from './catalog-documents.js';
import { type FileTask, type FileTaskItem, type ItemOutcome, leftOut } from './file-task.js';
import { FileTaskRepository } from './file-task.repository.js';
import { type ExperimentFiles, trashPathOf } from './trash.js';

/**
 * A person deletes data on purpose: the copy goes to the experiment's trash, the document out of the catalog, the row
 * says when. Until the trash is emptied all of it comes back. Each step may be repeated after a crash.
 */
@Injectable()
export class Deletion {
  constructor(
    private readonly catalog: CatalogService,
    private readonly database: Database,
    private readonly repository: FileTaskRepository,
    private readonly replicas: ReplicaRepository,
  ) {}

  /** What has changed since the preview is left out: the person has agreed to what was shown. */
  async apply(task: FileTask, item: FileTaskItem, files: ExperimentFiles): Promise<ItemOutcome> {
    const trash = trashPathOf(task.id, item);
    const inTrash = await files.factsOf(trash);
    if (inTrash === undefined) {
      const refusal = (await this.objection(task, item)) ?? (await this.move(item, files, trash));
      if (refusal !== undefined) {
        return refusal;
      }
    }
    await removeDocument(this.catalog, task.experimentId, item.document.id);
    await this.database.transaction(async (tx) => {
      await this.replicas.move(tx, item.ledgerId, PRIMARY, trash);
      await this.repository.markDeleted(tx, item.ledgerId, true);
      await this.repository.setInTrash(tx, task.id, item.ordinal, true);
    });
    return { kind: 'done', isInTrash: true };
  }

  /** Back to its place; where a newer version stands by now, to where that keeps older ones. */
  async undo(task: FileTask, item: FileTaskItem, files: ExperimentFiles): Promise<ItemOutcome> {
    const trash = trashPathOf(task.id, item);
    const { document } = item;
    const path = textToPath(document.path);
    const kept = joinBytes(Buffer.from(`system/versions/v${document.version}`), path);
    const facts = await files.factsOf(trash);
    let target = item.location;
    if (facts !== undefined) {
      target = (await files.factsOf(item.location)) === undefined ? item.location : kept;
      const refusal = await files.move(trash, target, facts.inode);
      if (refusal !== undefined) {
        return refusal;
      }
    } else if ((await files.factsOf(target)) === undefined) {
      target = kept;
      if ((await files.factsOf(kept)) === undefined) {
        return leftOut('not-in-trash', 'It is not in the trash any more.');
      }
    }
    const location = pathToText(files.at(target));
    await this.catalog.recordFiles(task.experimentId, [
      { ...document, replicas: document.replicas.map((copy, index) => (index === 0 ? { ...copy, location } : copy)) },
    ]);
    await this.database.transaction(async (tx) => {
      await this.replicas.move(tx, item.ledgerId, PRIMARY, target);
      await this.repository.markDeleted(tx, item.ledgerId, false);
      await this.repository.setInTrash(tx, task.id, item.ordinal, false);
    });
    return { kind: 'restored' };
  }

  /** The trash is emptied: from here on there is no way back. */
  async forget(task: FileTask, item: FileTaskItem): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.replicas.forget(tx, item.ledgerId, PRIMARY);
      await this.repository.setInTrash(tx, task.id, item.ordinal, false);
    });
  }

  /** Whether anything about the file is not as the preview showed it. */
  async objection(task: FileTask, item: FileTaskItem): Promise<ItemOutcome | undefined> {
    const copy = (await this.repository.copiesOf([item.ledgerId])).get(item.ledgerId);
    if (copy === undefined) {
      return leftOut('gone', 'It was deleted, or lost its copy, since the preview.');
    }
    if (!copy.location.equals(item.location)) {
      return leftOut('changed', 'A newer version has taken its place since the preview.');
    }
    const now = await documentNow(this.catalog, task.experimentId, item.document.id);
    if (now?.revision !== item.document.revision) {
      return leftOut('changed', 'Its catalog entry was changed since the preview.');
    }
    return (await this.repository.isBeingReplaced(item.ledgerId))
      ? leftOut('being-replaced', 'A new version of it is just on its way in.')
      : undefined;
  }

  private async move(item: FileTaskItem, files: ExperimentFiles, trash: Buffer): Promise<ItemOutcome | undefined> {
    const facts = await files.factsOf(item.location);
    if (facts === undefined) {
      return leftOut('missing', 'It is not where the record says; "dm audit" finds out more.');
    }
    return facts.sizeBytes === BigInt(item.document.sizeBytes)
      ? files.move(item.location, trash, facts.inode)
      : leftOut('changed', 'The file in storage has another size than the record says; "dm audit" finds out more.');
  }
}
