import { joinBytes } from '../../kernel/path-bytes.js';
import type { Database } from '../../platform/database/index.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { LedgerRepository, MadeRow, NewRow } from '../ledger/ledger.repository.js';
import {
  BACKLOG,
  type ClaimedRow,
  EXISTED_BEFORE_START,
  FRESH,
  type Priority,
  type SeenFile,
} from '../ledger/ledger-row.js';
import { type Decision, reconcile } from '../ledger/reconcile.js';
import type { BatchOffers, OfferedRow } from '../pipeline/batch-offers.js';
import type { SettleTracker } from '../settle/settle-tracker.js';
import type { ScannedFile } from '../source/source-tree.port.js';

/** How often a batch is looked up again whose versions another acquisition took in between. */
const MOST_ROUNDS = 5;

export interface IntakeResult {
  /** Files whose content another acquisition has brought already. */
  unchangedFiles: number;
  unchangedBytes: bigint;
  /** Files that are on their way now through this call. */
  taken: number;
  /** Files that changed while a worker holds their row: to be looked at again. */
  again: Uint8Array[];
}

interface Written {
  /** For each new row, unless another acquisition has just taken its version. */
  made: (MadeRow | undefined)[];
  toCopy: Set<string>;
}

interface Candidate {
  file: ScannedFile;
  seen: SeenFile;
}

interface KnownCandidate extends Candidate {
  ledgerId: string;
}

interface FreshRow extends NewRow {
  file: ScannedFile;
}

/** Takes looks at files into the ledger: decides what each means, writes rows in one transaction, starts settling. */
export class FileIntake {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerRepository,
    private readonly offers: BatchOffers,
    private readonly tracker: SettleTracker,
    private readonly acquisition: Acquisition,
  ) {}

  /** `isLeftAlone`: files that were there before the monitor started; they are recorded and skipped. */
  async take(
    files: readonly ScannedFile[],
    isLeftAlone: (file: ScannedFile) => boolean,
    nowMs: number,
  ): Promise<IntakeResult> {
    const result: IntakeResult = { unchangedFiles: 0, unchangedBytes: 0n, taken: 0, again: [] };
    let remaining = this.notSettling(files, nowMs).map((file) => ({ file, seen: this.toSeen(file) }));
    for (let round = 0; round < MOST_ROUNDS && remaining.length > 0; round += 1) {
      remaining = await this.takeOnce(remaining, isLeftAlone, nowMs, result);
    }
    return result;
  }

  /** What a file that is settling looks like is the tracker's affair: the ledger hears of it when it stands still. */
  private notSettling(files: readonly ScannedFile[], nowMs: number): ScannedFile[] {
    return files.filter((file) => {
      const ledgerId = this.tracker.ledgerIdOf(file.relativePath);
      if (ledgerId !== undefined) {
        this.tracker.observe(ledgerId, file.relativePath, file, nowMs);
      }
      return ledgerId === undefined;
    });
  }

  private toSeen(file: ScannedFile): SeenFile {
    return {
      sourcePath: joinBytes(this.acquisition.sourceDirectory, file.relativePath),
      destinationPath: joinBytes(this.acquisition.destinationDirectory, file.relativePath),
      device: file.device,
      inode: file.inode,
      sizeBytes: file.sizeBytes,
      mtimeNs: file.mtimeNs,
    };
  }

  /** Answers the files whose version was taken by another acquisition between look-up and insert. */
  private async takeOnce(
    candidates: readonly Candidate[],
    isLeftAlone: (file: ScannedFile) => boolean,
    nowMs: number,
    result: IntakeResult,
  ): Promise<Candidate[]> {
    const { experimentId, sourceHost, createdAt, options } = this.acquisition;
    const looker = {
      host: sourceHost,
      startedAt: createdAt,
      reprocesses: options.reprocessFiles,
      transfers: !options.skipTransfer,
    };
    const known = await this.ledger.rowsOf(
      experimentId,
      candidates.map(({ seen }) => seen.destinationPath),
    );
    const decided = candidates.map((candidate, index) => ({
      ...candidate,
      decision: reconcile(candidate.seen, looker, known[index] ?? []),
    }));
    const fresh = this.claimedIfRoom(
      decided.flatMap((one) => this.newRow(one, one.decision, isLeftAlone(one.file)) ?? []),
    );
    const rowsWith = (kind: 'refresh' | 'adopt'): KnownCandidate[] =>
      decided.flatMap(({ file, seen, decision }) =>
        decision.kind === kind ? [{ ledgerId: decision.ledgerId, file, seen }] : [],
      );
    const refreshed = rowsWith('refresh');
    const adopted = rowsWith('adopt').filter((row) => !isLeftAlone(row.file));
    for (const one of decided) {
      this.noteKnown(one, one.decision, nowMs, result);
    }
    const { made, toCopy } = await this.writeOrLetGo(fresh, refreshed, adopted);
    result.taken += made.filter((row) => row !== undefined).length + refreshed.length + adopted.length;
    return this.follow(fresh, made, [...refreshed, ...adopted.filter((row) => toCopy.has(row.ledgerId))], nowMs);
  }

  private newRow({ file, seen }: Candidate, decision: Decision, isLeftAlone: boolean): FreshRow | undefined {
    if (decision.kind !== 'new' && decision.kind !== 'collision') {
      return undefined;
    }
    if (isLeftAlone) {
      return {
        file,
        seen,
        version: null,
        state: 'skipped',
        reasonCode: EXISTED_BEFORE_START,
        reason:
          'The file was there before the monitor started; start it with processExisting, or upload the directory.',
      };
    }
    const [version, isCutOff] = decision.kind === 'new' ? [decision.version, decision.isCutOff] : [null, false];
    return { file, seen, version, isCutOff, state: this.settlesAtOnce(file) ? 'queued' : 'settling' };
  }

  /** First versions need not be looked up again: this process works on them at once, as long as it has room. */
  private claimedIfRoom(rows: readonly FreshRow[]): FreshRow[] {
    const isDirect = (row: FreshRow) => row.state === 'queued' && row.version === 1;
    if (!this.offers.reserve(rows.filter(isDirect).length, this.priority)) {
      return [...rows];
    }
    return rows.map((row) => (isDirect(row) ? { ...row, state: 'transferring' } : row));
  }

  private get priority(): Priority {
    const { kind, scanComplete } = this.acquisition;
    return kind === 'monitor' && scanComplete ? FRESH : BACKLOG;
  }

  /** Whether a file counts as complete as soon as it is seen. */
  private settlesAtOnce(file: ScannedFile): boolean {
    const { quietSeconds, settle } = this.acquisition.options;
    if (settle.rule === 'rename') {
      return true;
    }
    return settle.rule === 'quiet' && (file.sizeBytes === 0n ? settle.emptyQuietSeconds : quietSeconds) === 0;
  }

  private noteKnown({ file, seen }: Candidate, decision: Decision, nowMs: number, result: IntakeResult): void {
    if (decision.kind === 'busy' && !decision.isSame) {
      result.again.push(file.relativePath);
    }
    if (decision.kind !== 'unchanged') {
      return;
    }
    const isOwn = decision.acquisitionId === this.acquisition.id;
    if (isOwn && (decision.state === 'settling' || decision.state === 'seen')) {
      // After a restart of the station the quiet time starts anew.
      this.tracker.observe(decision.ledgerId, file.relativePath, file, nowMs);
    }
    if (!isOwn) {
      result.unchangedFiles += 1;
      result.unchangedBytes += seen.sizeBytes;
    }
  }

  private async writeOrLetGo(
    fresh: readonly FreshRow[],
    refreshed: readonly KnownCandidate[],
    adopted: readonly KnownCandidate[],
  ): Promise<Written> {
    try {
      return await this.write(fresh, refreshed, adopted);
    } catch (error) {
      this.offers.letGo(fresh.filter(isClaimed).length);
      throw error;
    }
  }

  private async write(
    fresh: readonly FreshRow[],
    refreshed: readonly KnownCandidate[],
    adopted: readonly KnownCandidate[],
  ): Promise<Written> {
    if (fresh.length === 0 && refreshed.length === 0 && adopted.length === 0) {
      return { made: [], toCopy: new Set() };
    }
    const { experimentId, sourceHost, id } = this.acquisition;
    return this.database.transaction(async (tx) => {
      for (const [state, rows] of this.byState(refreshed)) {
        await this.ledger.refresh(tx, rows, state);
      }
      const toCopy = new Set<string>();
      for (const [state, rows] of this.byState(adopted)) {
        (await this.ledger.adopt(tx, id, rows, state)).forEach((row) => toCopy.add(row));
      }
      const { priority } = this;
      const owner = { experimentId, acquisitionId: id, host: sourceHost, priority, claimant: this.offers.claimant };
      return { toCopy, made: fresh.length === 0 ? [] : await this.ledger.insert(tx, owner, fresh) };
    });
  }

  private byState(rows: readonly KnownCandidate[]): Map<'queued' | 'settling', KnownCandidate[]> {
    return Map.groupBy(rows, (row) => (this.settlesAtOnce(row.file) ? 'queued' : 'settling'));
  }

  private async follow(
    fresh: readonly FreshRow[],
    made: readonly (MadeRow | undefined)[],
    refreshed: readonly KnownCandidate[],
    nowMs: number,
  ): Promise<Candidate[]> {
    const lostRaces: Candidate[] = [];
    const queued: OfferedRow[] = [];
    const claimed: ClaimedRow[] = [];
    const { priority } = this;
    fresh.forEach((row, index) => {
      const one = made[index];
      if (one === undefined) {
        lostRaces.push(row);
      } else if (isClaimed(row)) {
        claimed.push(this.claimedRow(row, one));
      } else if (row.state === 'queued') {
        queued.push({ id: one.id, sizeBytes: row.seen.sizeBytes, priority });
      } else if (row.state === 'settling') {
        this.tracker.observe(one.id, row.file.relativePath, row.file, nowMs);
      }
    });
    this.offers.letGo(fresh.filter(isClaimed).length - claimed.length);
    this.offers.carry(claimed);
    for (const { ledgerId, file, seen } of refreshed) {
      if (this.settlesAtOnce(file)) {
        queued.push({ id: ledgerId, sizeBytes: seen.sizeBytes, priority });
      } else {
        this.tracker.observe(ledgerId, file.relativePath, file, nowMs);
      }
    }
    if (queued.length > 0) {
      await this.offers.offer(queued);
    }
    return lostRaces;
  }

  /** What a claim would read back of a row that was just written. */
  private claimedRow({ seen, isCutOff }: NewRow, { id, catalogId }: MadeRow): ClaimedRow {
    const { experimentId, id: acquisitionId, sourceHost } = this.acquisition;
    const { destinationPath, sourcePath, inode, sizeBytes, mtimeNs } = seen;
    return {
      id,
      priority: this.priority,
      experimentId,
      acquisitionId,
      destinationPath,
      version: 1,
      sourceHost,
      sourcePath,
      inode,
      sizeBytes,
      mtimeNs,
      attempts: 0,
      finishedOrder: 0,
      md5Sum: null,
      catalogId,
      transferredAt: null,
      reprocesses: null,
      isCutOff: isCutOff ?? false,
      previous: null,
      hasOpenSibling: false,
      isDestinationFree: false,
    };
  }
}

/** Written as this process's own, to be carried on at once. */
function isClaimed(row: NewRow): boolean {
  return row.state === 'transferring';
}
