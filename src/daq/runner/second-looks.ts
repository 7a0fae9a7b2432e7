import { relativeTo } from '../../kernel/path-bytes.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import type { LedgerRepository } from '../ledger/ledger.repository.js';
import { type SeenFile, SOURCE_VANISHED } from '../ledger/ledger-row.js';
import { lookIfPossible } from '../scan/tree-scan.js';
import type { ScannedFile } from '../source/source-tree.port.js';
import type { SettleTracker } from '../settle/settle-tracker.js';

const DEFERRED_PER_TURN = 500;
const MOST_GIVEN_UP = 1000;
const PAGE = 5000;

/** Looks at files that the ledger knows and that no scan or event is about: each row must come to an end. */
export class SecondLooks {
  constructor(
    private readonly ledger: LedgerRepository,
    private readonly tracker: SettleTracker,
    private readonly acquisition: Acquisition,
  ) {}

  /** Rows that were settling when the station stopped go on, those included whose files are gone since. */
  async resume(nowMs: () => number): Promise<void> {
    let afterId = '0';
    for (;;) {
      const rows = await this.ledger.settlingOf(this.acquisition.id, afterId, PAGE);
      rows.forEach((row) => this.tracker.observe(row.ledgerId, row.seen, nowMs()));
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) {
        return;
      }
      afterId = last.ledgerId;
    }
  }

  /** Files that changed under a worker; those that are gone since are given up here, the others are answered. */
  async deferred(): Promise<ScannedFile[]> {
    const rows = await this.ledger.deferredOf(this.acquisition.id, DEFERRED_PER_TURN);
    const looks = rows.map((row) => ({ id: row.id, file: this.lookAt(row.sourcePath) }));
    const gone = looks.filter((look) => look.file === undefined);
    if (gone.length > 0) {
      await this.ledger.endWaiting(
        gone.map((look) => look.id),
        'skipped',
        SOURCE_VANISHED,
        'The file changed while it was copied and was gone afterwards.',
      );
    }
    return filesOf(looks.map((look) => look.file));
  }

  /** Files that were given up since they were not there, and are there now. */
  async givenUp(): Promise<ScannedFile[]> {
    const paths = await this.ledger.gaveUpOf(this.acquisition.id, MOST_GIVEN_UP);
    return filesOf(paths.map((path) => this.lookAt(path)));
  }

  private lookAt(sourcePath: SeenFile['sourcePath']): ScannedFile | 'unreadable' | undefined {
    const { sourceDirectory } = this.acquisition;
    return lookIfPossible(sourceDirectory, relativeTo(sourcePath, sourceDirectory));
  }
}

function filesOf(looks: readonly (ScannedFile | 'unreadable' | undefined)[]): ScannedFile[] {
  return looks.filter((look) => look !== undefined && look !== 'unreadable');
}
