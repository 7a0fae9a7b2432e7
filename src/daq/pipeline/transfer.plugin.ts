import { Inject, Injectable } from '@nestjs/common';
import { joinBytes } from '../../kernel/path-bytes.js';
import { messageOf, StationError } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import {
  StorageArea,
  TRANSFER_ENGINE,
  type TransferEngine,
  type TransferOutcome,
  type TransferTask,
} from '../../storage/index.js';
import type { RowChange } from '../ledger/ledger-row.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from './file-plugin.port.js';
import { afterFault } from './retry-policy.js';

/** How long a file waits whose destination is just being filled from another source. */
const SIBLING_WAIT_SECONDS = 1;

/** Brings a file into the storage area with proof, and settles what it means when something is there already. */
@Injectable()
export class TransferPlugin implements FilePlugin {
  readonly name = 'transfer';
  readonly order = 100;

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    @Inject(TRANSFER_ENGINE) private readonly engine: TransferEngine,
    private readonly area: StorageArea,
  ) {}

  async process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    const [waiting, ready] = partition(files, (file) => file.row.hasOpenSibling);
    const outcomes: PluginOutcome[] = waiting.map((file) => ({
      kind: 'stopped',
      ledgerId: file.row.id,
      change: {
        state: 'failed',
        reasonCode: 'waits-for-other-source',
        reason: 'Another source is just being copied to the same destination; this one is compared with it afterwards.',
        dueInSeconds: SIBLING_WAIT_SECONDS,
      },
    }));
    const refusal = await this.refusalOfArea(ready);
    if (refusal !== undefined) {
      return [...outcomes, ...ready.map((file) => stop(file, refusal))];
    }
    const results = await this.engine.transfer(ready.map((file) => this.taskOf(file)));
    const byId = new Map(results.map((result) => [result.id, result]));
    return [...outcomes, ...ready.map((file) => this.outcomeOf(file, byId.get(file.row.id)))];
  }

  /** A missing or full storage area is found once for the batch, before anything is read. */
  private async refusalOfArea(files: readonly PipelineFile[]): Promise<Omit<RowChange, 'id'> | undefined> {
    try {
      await this.area.requireSpace(Number(files.reduce((sum, file) => sum + file.row.sizeBytes, 0n)));
      return undefined;
    } catch (error) {
      const code = error instanceof StationError ? error.code : 'STORAGE_UNAVAILABLE';
      return afterFault({ kind: 'no-space', code, message: messageOf(error) }, 0, 1);
    }
  }

  private taskOf(file: PipelineFile): TransferTask {
    const { row } = file;
    return {
      id: row.id,
      sourcePath: row.sourcePath,
      sourceRoots: file.acquisition.sourceRoots,
      expected: { sizeBytes: row.sizeBytes, mtimeNs: row.mtimeNs, inode: row.inode },
      experimentDirectory: file.experiment.directory,
      destinationPath: row.destinationPath,
      replaces: row.version === null || row.previous === null ? null : { keepAs: keptPath(file, row.previous.version) },
      mode: row.version === null ? 'compare' : 'copy',
      fileMode: this.config.storage.fileMode,
      directoryMode: this.config.storage.directoryMode,
    };
  }

  private outcomeOf(file: PipelineFile, result: TransferOutcome | undefined): PluginOutcome {
    switch (result?.status) {
      case 'published':
        return published(file, result);
      case 'compared':
        return compared(file, result.md5Sum);
      case 'changed':
        return stop(file, {
          state: 'deferred',
          reasonCode: 'source-changed',
          reason: `Changed while it was read: ${result.detail}.`,
        });
      case 'vanished':
        return stop(file, {
          state: 'skipped',
          reasonCode: 'source-vanished',
          reason: 'The file was gone before it could be copied.',
          dropsVersion: true,
        });
      case 'occupied':
        return stop(file, {
          state: 'quarantined',
          reasonCode: 'destination-occupied',
          reason:
            'A file that the station did not write stands at the destination, with other content. Move it away, then upload again.',
          md5Sum: result.md5Sum,
          foundMd5Sum: result.foundMd5Sum,
        });
      case 'corrupt':
        return stop(file, {
          ...afterFault(
            {
              kind: 'transient',
              code: 'corrupt-copy',
              message: 'The copy that was read back differs from the source; it was thrown away.',
            },
            file.row.attempts,
            this.config.daq.maxAttempts,
          ),
          foundMd5Sum: result.foundMd5Sum,
        });
      case 'failed':
        return stop(file, afterFault(result, file.row.attempts, this.config.daq.maxAttempts));
      case undefined:
        return stop(
          file,
          afterFault(
            {
              kind: 'transient',
              code: 'NO_OUTCOME',
              message: 'The transfer engine did not say what became of the file.',
            },
            file.row.attempts,
            this.config.daq.maxAttempts,
          ),
        );
    }
  }
}

/** Where content of an older version of `path` is kept, relative to the experiment's directory. */
function keptPath(file: PipelineFile, version: number): Buffer {
  return joinBytes(Buffer.from(`system/versions/v${version}`), file.row.destinationPath);
}

function published(file: PipelineFile, result: Extract<TransferOutcome, { status: 'published' }>): PluginOutcome {
  const { row, experiment } = file;
  const path = joinBytes(experiment.directory, row.destinationPath);
  if (row.previous !== null && !result.keptPrevious && row.previous.md5Sum === result.md5Sum) {
    return stop(file, {
      state: 'skipped',
      reasonCode: 'same-content',
      reason: `Touched, but the content is still that of version ${row.previous.version}.`,
      md5Sum: result.md5Sum,
      dropsVersion: true,
    });
  }
  return {
    kind: 'passed',
    ledgerId: row.id,
    change: { md5Sum: result.md5Sum, isTransferred: true },
    replica: {
      ledgerId: row.id,
      experimentId: experiment.id,
      path,
      md5Sum: result.md5Sum,
      sizeBytes: result.sizeBytes,
      proof: result.proof,
    },
    ...(row.previous === null
      ? {}
      : {
          displaced: {
            ledgerId: row.previous.id,
            from: path,
            to: joinBytes(experiment.directory, keptPath(file, row.previous.version)),
          },
        }),
  };
}

/** The destination belongs to another source: the same content is fine, other content needs a person. */
function compared(file: PipelineFile, md5Sum: string): PluginOutcome {
  const { previous } = file.row;
  if (previous !== null && previous.md5Sum === md5Sum) {
    return {
      ...stop(file, {
        state: 'skipped',
        reasonCode: 'same-content-from-other-source',
        reason: `Another source has brought the same content already, as version ${previous.version}.`,
        md5Sum,
      }),
      otherSourceOf: previous.id,
    };
  }
  return stop(file, {
    state: 'quarantined',
    reasonCode: 'destination-collision',
    reason:
      'Another source stands for this destination with other content. Choose another destDirectory for one of them.',
    md5Sum,
    ...(previous === null ? {} : { foundMd5Sum: previous.md5Sum }),
  });
}

function stop(file: PipelineFile, change: Omit<RowChange, 'id'>): Extract<PluginOutcome, { kind: 'stopped' }> {
  return { kind: 'stopped', ledgerId: file.row.id, change };
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
