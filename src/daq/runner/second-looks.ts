import { relativeTo } from '../../kernel/path-bytes.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { LedgerRepository } from '../ledger/ledger.repository.js';
import { type SeenFile, SOURCE_VANISHED } from '../ledger/ledger-row.js';
import type { SettleTracker } from '../settle/settle-tracker.js';
import type { Look, ScannedFile, SourceTree } from '../source/source-tree.port.js';

const DEFERRED_PER_TURN = 500;
const MOST_GIVEN_UP = 1000;
const PAGE = 5000;

/** Looks at files that the ledger knows and that no scan or event is about: each row must come to an end. */
export class SecondLooks {
  private settlingAfter = '0';

  constructor(
    private readonly tree: SourceTree,
    private readonly ledger: LedgerRepository,
    private readonly tracker: SettleTracker,
    private readonly acquisition: Acquisition,
  ) {}

  /**
   * Rows that are settling and not tracked: those of the last run of the station, whose files may be gone since, and
   * those that there was no room for. Takes what there is room for; the quiet time starts anew.
   */
  async trackSettling(nowMs: () => number): Promise<void> {
    const isFromTheStart = this.settlingAfter === '0';
    for (;;) {
      const rows = await this.ledger.settlingOf(this.acquisition.id, this.settlingAfter, PAGE);
      for (const { ledgerId, seen } of rows) {
        const path = this.relative(seen.sourcePath);
        // What was seen of a tracked file is newer than what the ledger has.
        if (!this.tracker.has(path) && !this.tracker.observe(ledgerId, path, seen, nowMs())) {
          return; // it is full; on from here when there is room
        }
        this.settlingAfter = ledgerId;
      }
      if (rows.length < PAGE) {
        this.settlingAfter = '0';
        if (isFromTheStart) {
          this.tracker.hasAll();
        }
        return;
      }
    }
  }

  /** Files that changed under a worker; those that are gone since are given up here, the others are answered. */
  async deferred(): Promise<ScannedFile[]> {
    const rows = await this.ledger.deferredOf(this.acquisition.id, DEFERRED_PER_TURN);
    const looks = await this.tree.look(rows.map((row) => this.relative(row.sourcePath)));
    const gone = rows.filter((_, at) => looks[at] === 'gone' || looks[at] === 'directory');
    if (gone.length > 0) {
      await this.ledger.endWaiting(
        gone.map((row) => row.id),
        'skipped',
        SOURCE_VANISHED,
        'The file changed while it was copied and was gone afterwards.',
      );
    }
    return filesOf(looks);
  }

  /** Files that were given up since they were not there, and are there now. */
  async givenUp(): Promise<ScannedFile[]> {
    const paths = await this.ledger.gaveUpOf(this.acquisition.id, MOST_GIVEN_UP);
    return filesOf(await this.tree.look(paths.map((path) => this.relative(path))));
  }

  private relative(sourcePath: SeenFile['sourcePath']): Buffer {
    return relativeTo(sourcePath, this.acquisition.sourceDirectory);
  }
}

export function filesOf(looks: readonly Look[]): ScannedFile[] {
  return looks.filter((look) => typeof look === 'object');
}
