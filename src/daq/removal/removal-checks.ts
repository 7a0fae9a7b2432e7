import { lstat } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ExperimentsService } from '../../experiments/index.js';
import { driverCode } from '../../kernel/errors.js';
import { joinBytes } from '../../kernel/path-bytes.js';
import { Destinations, justifiesDeletion, StorageArea } from '../../storage/index.js';
import { SOURCE_TREES, type SourceTrees } from '../source/source-tree.port.js';
import {
  type CopyRecord,
  type DueRemoval,
  type RemovalOutcome,
  SourceRemovalRepository,
} from './source-removal.repository.js';
import { visitedSource } from './visited-source.js';

/** How soon a removal is looked at again that something stands in the way of that passes by itself. */
const AGAIN_SECONDS = 30;
const LATER: RemovalOutcome = { kind: 'later', inSeconds: AGAIN_SECONDS };

/**
 * Everything that must be so before a source file goes (design invariant 5), looked at now: the record of the primary
 * copy says that it was read back and synced, as does that of the copy at each required destination, the primary copy stands
 * where it should with its size, and nobody else still waits for the source. Whether the source is still the file that was copied is asked with the removal itself.
 */
@Injectable()
export class RemovalChecks {
  constructor(
    private readonly repository: SourceRemovalRepository,
    private readonly experiments: ExperimentsService,
    private readonly area: StorageArea,
    private readonly destinations: Destinations,
    @Inject(SOURCE_TREES) private readonly sources: SourceTrees,
  ) {}

  /** Why the file stays, or stays for now; undefined when it may go. */
  async objection(due: DueRemoval): Promise<RemovalOutcome | undefined> {
    return (
      this.objectionOfRecords(due) ??
      this.objectionOfRequired(due) ??
      (await this.objectionOfStorage(due)) ??
      (await this.objectionOfSource(due)) ??
      (await this.objectionOfOthers(due))
    );
  }

  private objectionOfRecords(due: DueRemoval): RemovalOutcome | undefined {
    const { replica } = due;
    if (due.state !== 'done' || due.isDeleted || replica === null) {
      return kept('no-copy', 'There is no record of a copy of it in storage any more.');
    }
    return objectionTo(replica, due, '');
  }

  /** A copy that is still to be made is waited for; why it is not made yet says its order. */
  private objectionOfRequired(due: DueRemoval): RemovalOutcome | undefined {
    const required = new Set(this.destinations.required(due.further.map(({ destination }) => destination)));
    let waits: RemovalOutcome | undefined;
    for (const { destination, replica } of due.further.filter((one) => required.has(one.destination))) {
      if (replica === null) {
        waits = LATER;
        continue;
      }
      const objection = objectionTo(replica, due, ` at ${destination}`);
      if (objection !== undefined) {
        return objection;
      }
    }
    return waits;
  }

  private async objectionOfStorage(due: DueRemoval): Promise<RemovalOutcome | undefined> {
    const experiment = await this.experiments.findById(due.experimentId);
    if (experiment === undefined || (await this.area.absence()) !== undefined) {
      return LATER; // that the area is not mounted says nothing about the copy
    }
    const copy = joinBytes(Buffer.from(experiment.storageDirectory), due.replica?.location ?? Buffer.alloc(0));
    try {
      const stats = await lstat(copy, { bigint: true });
      if (!stats.isFile() || stats.size !== due.sizeBytes) {
        return kept('copy-differs', 'What stands in storage in the place of its copy has another size.');
      }
    } catch (error) {
      return driverCode(error) === 'ENOENT' ? kept('copy-missing', 'Its copy is not in storage any more.') : LATER;
    }
    return undefined;
  }

  private async objectionOfSource(due: DueRemoval): Promise<RemovalOutcome | undefined> {
    const presence = await visitedSource(this.sources, due).presence(due.source.device);
    if (presence.isThere || presence.code === 'missing') {
      return undefined; // a directory that is gone took the file along, which the removal finds
    }
    return presence.code === 'outside-roots' || presence.code === 'in-storage'
      ? kept('outside-source-roots', 'Its directory is not below a configured source root any more.')
      : LATER;
  }

  private async objectionOfOthers(due: DueRemoval): Promise<RemovalOutcome | undefined> {
    return (await this.repository.isAwaitedByOthers(due)) ? LATER : undefined;
  }
}

/** `where`: what tells a further copy from the primary one, such as ` at mirror`. */
function objectionTo(replica: CopyRecord, due: DueRemoval, where: string): RemovalOutcome | undefined {
  if (!justifiesDeletion(replica.proof)) {
    return kept(
      'proof-too-weak',
      `Its copy${where} is proven by ${replica.proof} only, which never justifies a deletion.`,
    );
  }
  if (replica.trouble !== null) {
    return kept('copy-in-trouble', `An audit found its copy${where} ${replica.trouble}.`);
  }
  if (replica.md5Sum === null || replica.md5Sum !== due.md5Sum || replica.sizeBytes !== due.sizeBytes) {
    return kept('copy-differs', `The record of its copy${where} tells of other content than was read at the source.`);
  }
  return undefined;
}

function kept(code: string, reason: string): RemovalOutcome {
  return { kind: 'kept', code, reason };
}
