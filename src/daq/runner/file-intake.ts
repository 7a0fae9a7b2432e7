import { joinBytes } from '../../kernel/path-bytes.js';
import type { Database } from '../../platform/database/index.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { LedgerRepository, NewRow } from '../ledger/ledger.repository.js';
import { EXISTED_BEFORE_START, type SeenFile } from '../ledger/ledger-row.js';
import { type Decision, reconcile } from '../ledger/reconcile.js';
import type { BatchOffers } from '../pipeline/batch-offers.js';
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
    const fresh = decided.flatMap((one) => this.newRow(one, one.decision, isLeftAlone(one.file)) ?? []);
    const rowsWith = (kind: 'refresh' | 'adopt'): KnownCandidate[] =>
      decided.flatMap(({ file, seen, decision }) =>
        decision.kind === kind ? [{ ledgerId: decision.ledgerId, file, seen }] : [],
      );
    const refreshed = rowsWith('refresh');
    const adopted = rowsWith('adopt').filter((row) => !isLeftAlone(row.file));
    for (const one of decided) {
      this.noteKnown(one, one.decision, nowMs, result);
    }
    const { ids, toCopy } = await this.write(fresh, refreshed, adopted);
    result.taken += ids.filter((id) => id !== undefined).length + refreshed.length + adopted.length;
    return this.follow(fresh, ids, [...refreshed, ...adopted.filter((row) => toCopy.has(row.ledgerId))], nowMs);
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
    const version = decision.kind === 'new' ? decision.version : null;
    return { file, seen, version, state: this.settlesAtOnce(file) ? 'queued' : 'settling' };
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

  private async write(
    fresh: readonly FreshRow[],
    refreshed: readonly KnownCandidate[],
    adopted: readonly KnownCandidate[],
  ): Promise<{ ids: (string | undefined)[]; toCopy: Set<string> }> {
    if (fresh.length === 0 && refreshed.length === 0 && adopted.length === 0) {
      return { ids: [], toCopy: new Set() };
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
      const owner = { experimentId, acquisitionId: id, host: sourceHost };
      return { toCopy, ids: fresh.length === 0 ? [] : await this.ledger.insert(tx, owner, fresh) };
    });
  }

  private byState(rows: readonly KnownCandidate[]): Map<'queued' | 'settling', KnownCandidate[]> {
    return Map.groupBy(rows, (row) => (this.settlesAtOnce(row.file) ? 'queued' : 'settling'));
  }

  private async follow(
    fresh: readonly FreshRow[],
    ids: readonly (string | undefined)[],
    refreshed: readonly KnownCandidate[],
    nowMs: number,
  ): Promise<Candidate[]> {
    const lostRaces: Candidate[] = [];
    const queued: { id: string; sizeBytes: bigint }[] = [];
    fresh.forEach((row, index) => {
      const id = ids[index];
      if (id === undefined) {
        lostRaces.push(row);
      } else if (row.state === 'queued') {
        queued.push({ id, sizeBytes: row.seen.sizeBytes });
      } else if (row.state === 'settling') {
        this.tracker.observe(id, row.file.relativePath, row.file, nowMs);
      }
    });
    for (const { ledgerId, file, seen } of refreshed) {
      if (this.settlesAtOnce(file)) {
        queued.push({ id: ledgerId, sizeBytes: seen.sizeBytes });
      } else {
        this.tracker.observe(ledgerId, file.relativePath, file, nowMs);
      }
    }
    if (queued.length > 0) {
      await this.offers.offer(queued);
    }
    return lostRaces;
  }
}
