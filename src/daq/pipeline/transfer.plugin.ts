import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { joinBytes } from '../../kernel/path-bytes.js';
import { messageOf, StationError } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import {
  AT_SOURCE,
  StorageArea,
  TransferEngines,
  type TransferOutcome,
  type TransferTask,
} from '../../storage/index.js';
import { locationOf } from '../acquisitions/source-addresses.js';
import { OTHER_SOURCE_WENT, type RowChange, SOURCE_VANISHED } from '../ledger/ledger-row.js';
import { SOURCE_TREES, type SourceTrees } from '../source/source-tree.port.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from './file-plugin.port.js';
import { keptPath } from './kept-path.js';
import { afterFault } from './retry-policy.js';

/** How long a file waits whose destination is just being filled from another source. */
const SIBLING_WAIT_SECONDS = 1;
/** How often it is looked whether a source directory is back. */
const SOURCE_WAIT_SECONDS = 5;

/** Brings a file into the storage area with proof, and settles what it means when something is there already. */
@Injectable()
export class TransferPlugin implements FilePlugin {
  readonly name = 'transfer';
  readonly order = 100;

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly engines: TransferEngines,
    private readonly area: StorageArea,
    @Inject(SOURCE_TREES) private readonly sources: SourceTrees,
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
    const toCopy = ready.filter(isCopied);
    const refusal = toCopy.length === 0 ? undefined : await this.refusalOfArea(toCopy);
    if (refusal !== undefined) {
      outcomes.push(...toCopy.map((file) => stop(file, refusal)));
    }
    const going = refusal === undefined ? ready : ready.filter((file) => !isCopied(file));
    const byHost = Map.groupBy(going, (file) => file.row.sourceHost);
    for (const [host, group] of byHost) {
      outcomes.push(...(await this.bring(host, group)));
    }
    return outcomes;
  }

  private async bring(host: string, files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    let results: TransferOutcome[];
    try {
      results = await this.transfer(host, files);
    } catch (error) {
      if (error instanceof StationError && host !== hostname()) {
        // Another machine that cannot be worked on holds up its own files only.
        return files.map((file) => stop(file, this.hostOut(file, error)));
      }
      if (error instanceof StationError || !files.some(({ row }) => row.isCutOff)) {
        throw error;
      }
      return this.bringOneByOne(host, files);
    }
    return this.settle(files, results);
  }

  /** A call that breaks off again may have a file in it that ends the copying thread: only that one is to pay for it. */
  private async bringOneByOne(host: string, files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    const outcomes: PluginOutcome[] = [];
    for (const file of files) {
      try {
        outcomes.push(...(await this.settle([file], await this.transfer(host, [file]))));
      } catch (error) {
        if (error instanceof StationError) {
          throw error;
        }
        const fault = { kind: 'transient', code: 'TRANSFER_BROKE_OFF', message: brokeOff(error) } as const;
        outcomes.push(stop(file, { ...this.afterFault(file, fault), isCutOff: true }));
      }
    }
    return outcomes;
  }

  private transfer(host: string, files: readonly PipelineFile[]): Promise<TransferOutcome[]> {
    return this.engines.from(host).transfer(files.map((file) => this.taskOf(file)));
  }

  private async settle(files: readonly PipelineFile[], results: readonly TransferOutcome[]): Promise<PluginOutcome[]> {
    const byId = new Map(results.map((result) => [result.id, result]));
    const withStatus = (status: TransferOutcome['status']) =>
      files.filter((file) => byId.get(file.row.id)?.status === status);
    const lost = await this.lostSources(withStatus('vanished'));
    // A fault while the storage area is away, such as a mount that went meanwhile, says nothing about the file.
    const failed = withStatus('failed').filter(isCopied);
    const refusal = failed.length === 0 ? undefined : await this.refusalOfArea([]);
    return files.map((file) => {
      if (refusal !== undefined && failed.includes(file)) {
        return stop(file, refusal);
      }
      return lost.has(file.row.id) ? stop(file, SOURCE_LOST) : this.outcomeOf(file, byId.get(file.row.id));
    });
  }

  /** A missing or full storage area is found once for the batch, before anything is read. */
  private async refusalOfArea(files: readonly PipelineFile[]): Promise<Omit<RowChange, 'id'> | undefined> {
    try {
      await this.area.requireSpace(Number(files.reduce((sum, file) => sum + file.row.sizeBytes, 0n)));
      return undefined;
    } catch (error) {
      const code = error instanceof StationError ? error.code : 'STORAGE_UNAVAILABLE';
      return afterFault({ kind: 'unavailable', code, message: messageOf(error) }, 0, 1);
    }
  }

  /** Of files that are gone: those whose whole source directory is, which says nothing about the files. */
  private async lostSources(vanished: readonly PipelineFile[]): Promise<Set<string>> {
    const lost = new Set<string>();
    for (const group of Map.groupBy(vanished, (file) => file.acquisition.id).values()) {
      const [first] = group;
      if (first !== undefined && !(await this.isSourceThere(first))) {
        group.forEach((file) => lost.add(file.row.id));
      }
    }
    return lost;
  }

  private async isSourceThere({ row, acquisition }: PipelineFile): Promise<boolean> {
    const { sourceDirectory, sourceDevice, jobId } = acquisition;
    const location = locationOf({ sourceHost: row.sourceHost, sourceDirectory });
    return (await this.sources.visit({ location, isJobResult: jobId !== null }).presence(sourceDevice)).isThere;
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
      replaces: replacesOf(file),
      mode: row.version === null || !isCopied(file) ? 'compare' : 'copy',
      proof: file.acquisition.options.skipChecksum ? 'size' : 'read-back',
      fileMode: this.config.storage.fileMode,
      directoryMode: this.config.storage.directoryMode,
    };
  }

  private outcomeOf(file: PipelineFile, result: TransferOutcome | undefined): PluginOutcome {
    switch (result?.status) {
      case 'published':
        return published(file, result);
      case 'compared':
        return file.row.version === null || isCopied(file)
          ? compared(file, result.md5Sum)
          : recorded(file, result.md5Sum);
      case 'changed':
        return result.readings === undefined
          ? stop(file, {
              state: 'deferred',
              reasonCode: 'source-changed',
              reason: `Changed while it was read: ${result.detail}.`,
            })
          : this.unsteady(file, result.readings);
      case 'vanished':
        return stop(file, {
          state: 'skipped',
          reasonCode: SOURCE_VANISHED,
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
          ...this.afterFault(file, {
            kind: 'transient',
            code: 'corrupt-copy',
            message:
              'The copy that was read back differs from the source, which read twice says the same; it was thrown away. Look for a fault of the disk, the memory or the network on its way.',
          }),
          md5Sum: result.md5Sum,
          foundMd5Sum: result.foundMd5Sum,
        });
      case 'failed':
        return stop(file, this.afterFault(file, result));
      case undefined:
        return stop(
          file,
          this.afterFault(file, {
            kind: 'transient',
            code: 'NO_OUTCOME',
            message: 'The transfer engine did not say what became of the file.',
          }),
        );
    }
  }

  /** Nothing tells when such a file is complete: another look would say the same, so its attempts are counted. */
  private unsteady(file: PipelineFile, [md5Sum, foundMd5Sum]: readonly [string, string]): PluginOutcome {
    return stop(file, {
      ...this.afterFault(file, {
        kind: 'transient',
        code: 'source-unsteady',
        message:
          'Read twice the file had two contents, though its size, time and inode have stayed the same; no copy was kept. Look for a fault of the disk or mount that it lies on, or for a program that writes to it in place.',
      }),
      md5Sum,
      foundMd5Sum,
    });
  }

  /** One that is away may come back at any time; what a person must mend first is asked a few times only. */
  private hostOut(file: PipelineFile, error: StationError): Omit<RowChange, 'id'> {
    const { code, message } = error;
    const change = error.retryable
      ? ({ state: 'failed', reasonCode: code, reason: message, dueInSeconds: SOURCE_WAIT_SECONDS } as const)
      : this.afterFault(file, { kind: 'transient', code, message });
    return { ...change, isCutOff: true };
  }

  private afterFault(file: PipelineFile, fault: Parameters<typeof afterFault>[0]): Omit<RowChange, 'id'> {
    return afterFault(fault, file.row.attempts, this.config.daq.maxAttempts);
  }
}

function brokeOff(error: unknown): string {
  return `The copy of this file alone broke off: ${messageOf(error)}. Something about the file, or its place, ends the thread that copies it.`;
}

const SOURCE_LOST = {
  state: 'failed',
  reasonCode: 'source-lost',
  reason: 'The directory that it lies in is gone, such as an unmounted file system; it is copied when that is back.',
  dueInSeconds: SOURCE_WAIT_SECONDS,
} as const;

function replacesOf({ row }: PipelineFile): TransferTask['replaces'] {
  if (row.version === null) {
    return null;
  }
  if (row.previous !== null) {
    return { keepAs: keptPath(row, row.previous.version) };
  }
  // Content that this very row may have published unrecorded, and that the source has replaced since.
  return row.isCutOff
    ? { keepAs: joinBytes(Buffer.from(`system/versions/unrecorded-${row.id}`), row.destinationPath) }
    : null;
}

function published(file: PipelineFile, result: Extract<TransferOutcome, { status: 'published' }>): PluginOutcome {
  const { row } = file;
  const { md5Sum } = result;
  if (md5Sum !== null && row.previous?.md5Sum === md5Sum && !result.keptPrevious) {
    if (file.acquisition.options.reprocessFiles) {
      return reprocessed(file, row.previous.id, result);
    }
    return stop(file, {
      state: 'skipped',
      reasonCode: 'same-content',
      reason: `Touched, but the content is still that of version ${row.previous.version}.`,
      md5Sum,
      dropsVersion: true,
    });
  }
  return {
    kind: 'passed',
    ledgerId: row.id,
    change: { ...(result.md5Sum === null ? {} : { md5Sum: result.md5Sum }), isTransferred: true },
    replica: {
      ledgerId: row.id,
      md5Sum: result.md5Sum,
      sizeBytes: result.sizeBytes,
      proof: result.proof,
    },
    ...(row.previous === null
      ? {}
      : {
          displaced: {
            ledgerId: row.previous.id,
            to: result.keptPrevious ? keptPath(row, row.previous.version) : null,
          },
        }),
  };
}

/** The copy of the version before was written and verified anew; the row goes on without a version of its own. */
function reprocessed(
  { row }: PipelineFile,
  previousId: string,
  { md5Sum, sizeBytes, proof }: Extract<TransferOutcome, { status: 'published' }>,
): PluginOutcome {
  return {
    kind: 'passed',
    ledgerId: row.id,
    change: { ...(md5Sum === null ? {} : { md5Sum }), reprocesses: previousId, dropsVersion: true },
    replica: { ledgerId: previousId, md5Sum, sizeBytes, proof },
  };
}

/** `skipTransfer`: the file stays where it lies, which is written down as what it is, no copy. */
function recorded({ row }: PipelineFile, md5Sum: string): PluginOutcome {
  return {
    kind: 'passed',
    ledgerId: row.id,
    change: { md5Sum },
    replica: {
      ledgerId: row.id,
      destination: AT_SOURCE,
      location: row.sourcePath,
      md5Sum,
      sizeBytes: row.sizeBytes,
      proof: 'none',
    },
  };
}

/** The destination belongs to another source: the same content is fine, other content needs a person. */
function compared(file: PipelineFile, md5Sum: string): PluginOutcome {
  const { previous, isDestinationFree } = file.row;
  if (isDestinationFree) {
    return stop(file, {
      state: 'skipped',
      reasonCode: OTHER_SOURCE_WENT,
      reason: 'It waited for another source of the same destination, which brought nothing; it is taken anew.',
    });
  }
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
      previous?.md5Sum === null
        ? 'Another source stands for this destination, and its copy has no digest to compare with. Choose another destDirectory for one of them.'
        : 'Another source stands for this destination with other content. Choose another destDirectory for one of them.',
    md5Sum,
    ...(previous === null || previous.md5Sum === null ? {} : { foundMd5Sum: previous.md5Sum }),
  });
}

function stop(file: PipelineFile, change: Omit<RowChange, 'id'>): Extract<PluginOutcome, { kind: 'stopped' }> {
  return { kind: 'stopped', ledgerId: file.row.id, change };
}

function isCopied({ acquisition }: PipelineFile): boolean {
  return !acquisition.options.skipTransfer;
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
