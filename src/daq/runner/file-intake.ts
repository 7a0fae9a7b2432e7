import { joinBytes } from '../../kernel/path-bytes.js';
import type { Database } from '../../platform/database/index.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { LedgerRepository, NewRow } from '../ledger/ledger.repository.js';
import { EXISTED_BEFORE_START, type LedgerState, type SeenFile } from '../ledger/ledger-row.js';
import { type Decision, reconcile } from '../ledger/reconcile.js';
import type { BatchOffers } from '../pipeline/batch-offers.js';
import type { ScannedFile } from '../source/source-tree.port.js';
import type { SettleTracker } from '../settle/settle-tracker.js';

/** How often a batch is looked up again whose versions another acquisition took in between. */
const MOST_ROUNDS = 5;

export interface IntakeResult {
  /** Files whose content another acquisition has brought already. */
  unchangedFiles: number;
  unchangedBytes: bigint;
  /** Files that are on their way now through this call. */
  taken: number;
}

interface Refreshed {
  ledgerId: string;
  seen: SeenFile;
}

/** Takes looks at files into the ledger: decides what each means, writes rows in one transaction, starts settling. */
export class FileIntake {
  private readonly settlesAtOnce: boolean;

  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerRepository,
    private readonly offers: BatchOffers,
    private readonly tracker: SettleTracker,
    private readonly acquisition: Acquisition,
  ) {
    this.settlesAtOnce = acquisition.options.quietSeconds === 0;
  }

  toSeen(file: ScannedFile): SeenFile {
    const relativePath = Buffer.from(file.relativePath);
    return {
      sourcePath: joinBytes(this.acquisition.sourceDirectory, relativePath),
      destinationPath: joinBytes(this.acquisition.destinationDirectory, relativePath),
      device: file.device,
      inode: file.inode,
      sizeBytes: file.sizeBytes,
      mtimeNs: file.mtimeNs,
    };
  }

  /** `isLeftAlone`: files that were there before the monitor started; they are recorded and skipped. */
  async take(
    files: readonly SeenFile[],
    isLeftAlone: (file: SeenFile) => boolean,
    nowMs: number,
  ): Promise<IntakeResult> {
    const result: IntakeResult = { unchangedFiles: 0, unchangedBytes: 0n, taken: 0 };
    let remaining = files;
    for (let round = 0; round < MOST_ROUNDS && remaining.length > 0; round += 1) {
      remaining = await this.takeOnce(remaining, isLeftAlone, nowMs, result);
    }
    return result;
  }

  /** Answers the files whose version was taken by another acquisition between look-up and insert. */
  private async takeOnce(
    files: readonly SeenFile[],
    isLeftAlone: (file: SeenFile) => boolean,
    nowMs: number,
    result: IntakeResult,
  ): Promise<SeenFile[]> {
    const { experimentId, sourceHost, createdAt, options } = this.acquisition;
    const looker = {
      host: sourceHost,
      startedAt: createdAt,
      reprocesses: options.reprocessFiles,
      transfers: !options.skipTransfer,
    };
    const known = await this.ledger.rowsOf(
      experimentId,
      files.map((file) => file.destinationPath),
    );
    const decided = files.map((seen, index) => ({ seen, decision: reconcile(seen, looker, known[index] ?? []) }));
    const fresh = decided.flatMap(({ seen, decision }) => this.newRow(seen, decision, isLeftAlone(seen)) ?? []);
    const rowsWith = (kind: 'refresh' | 'adopt') =>
      decided.flatMap(({ seen, decision }) => (decision.kind === kind ? [{ ledgerId: decision.ledgerId, seen }] : []));
    const refreshed = rowsWith('refresh');
    const adopted = rowsWith('adopt').filter((row) => !isLeftAlone(row.seen));
    for (const { seen, decision } of decided) {
      this.noteUnchanged(seen, decision, nowMs, result);
    }
    const { ids, toCopy } = await this.write(fresh, refreshed, adopted);
    result.taken += ids.filter((id) => id !== undefined).length + refreshed.length + adopted.length;
    return this.follow(fresh, ids, [...refreshed, ...adopted.filter((row) => toCopy.has(row.ledgerId))], nowMs);
  }

  private newRow(seen: SeenFile, decision: Decision, isLeftAlone: boolean): NewRow | undefined {
    if (decision.kind !== 'new' && decision.kind !== 'collision') {
      return undefined;
    }
    if (isLeftAlone) {
      return {
        seen,
        version: null,
        state: 'skipped',
        reasonCode: EXISTED_BEFORE_START,
        reason:
          'The file was there before the monitor started; start it with processExisting, or upload the directory.',
      };
    }
    return { seen, version: decision.kind === 'new' ? decision.version : null, state: this.firstState() };
  }

  private firstState(): LedgerState & ('queued' | 'settling') {
    return this.settlesAtOnce ? 'queued' : 'settling';
  }

  private noteUnchanged(seen: SeenFile, decision: Decision, nowMs: number, result: IntakeResult): void {
    if (decision.kind !== 'unchanged') {
      return;
    }
    const isOwn = decision.acquisitionId === this.acquisition.id;
    if (isOwn && (decision.state === 'settling' || decision.state === 'seen')) {
      // After a restart of the station the quiet time starts anew; otherwise this changes nothing.
      this.tracker.observe(decision.ledgerId, seen, nowMs);
    }
    if (!isOwn) {
      result.unchangedFiles += 1;
      result.unchangedBytes += seen.sizeBytes;
    }
  }

  private async write(
    fresh: readonly NewRow[],
    refreshed: readonly Refreshed[],
    adopted: readonly Refreshed[],
  ): Promise<{ ids: (string | undefined)[]; toCopy: Set<string> }> {
    if (fresh.length === 0 && refreshed.length === 0 && adopted.length === 0) {
      return { ids: [], toCopy: new Set() };
    }
    const { experimentId, sourceHost, id } = this.acquisition;
    return this.database.transaction(async (tx) => {
      if (refreshed.length > 0) {
        await this.ledger.refresh(tx, refreshed, this.firstState());
      }
      const toCopy =
        adopted.length === 0 ? new Set<string>() : await this.ledger.adopt(tx, id, adopted, this.firstState());
      const owner = { experimentId, acquisitionId: id, host: sourceHost };
      return { toCopy, ids: fresh.length === 0 ? [] : await this.ledger.insert(tx, owner, fresh) };
    });
  }

  private async follow(
    fresh: readonly NewRow[],
    ids: readonly (string | undefined)[],
    refreshed: readonly Refreshed[],
    nowMs: number,
  ): Promise<SeenFile[]> {
    const lostRaces: SeenFile[] = [];
    const queued: { id: string; sizeBytes: bigint }[] = [];
    fresh.forEach((row, index) => {
      const id = ids[index];
      if (id === undefined) {
        lostRaces.push(row.seen);
      } else if (row.state === 'queued') {
        queued.push({ id, sizeBytes: row.seen.sizeBytes });
      } else if (row.state === 'settling') {
        this.tracker.observe(id, row.seen, nowMs);
      }
    });
    for (const { ledgerId, seen } of refreshed) {
      if (this.settlesAtOnce) {
        queued.push({ id: ledgerId, sizeBytes: seen.sizeBytes });
      } else {
        this.tracker.observe(ledgerId, seen, nowMs);
      }
    }
    if (queued.length > 0) {
      await this.offers.offer(queued);
    }
    return lostRaces;
  }
}
