import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database, isRefused } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import { LedgerClaims } from '../ledger/ledger-claims.js';
import { BatchListeners } from './batch-listeners.js';
import type { FileOutcome } from './file-outcome.js';
import { decodeEntry, encodeEntry } from './outcome-codec.js';
import { OutcomeRecords } from './outcome-records.js';
import { StrayClaims } from './stray-claims.js';

const LOOK_INTERVAL_MS = 1000;
const ENTRY = /^\d{13}-\d{6}\.json$/;

/**
 * What became of files while the database was away: one fsynced file for each batch below `<dataDir>/journal`, written
 * into the ledger once the database is back, by this run of the station or by the next one. Rows that somebody else has
 * taken meanwhile stay as they are, so that writing an entry down twice changes nothing.
 */
@Injectable()
export class OutcomeJournal implements BeforeApplicationShutdown {
  private readonly logger = new Logger(OutcomeJournal.name);
  private readonly directory: string;
  private readonly loop = new WakeableLoop('replay the outcome journal', LOOK_INTERVAL_MS, async () => {
    await this.replayWhenPossible();
    return false;
  });
  private lastNumber = 0;
  private hasEntries = false;

  constructor(
    @Inject(CONFIG) config: StationConfig,
    private readonly database: Database,
    private readonly records: OutcomeRecords,
    private readonly claims: LedgerClaims,
    private readonly listeners: BatchListeners,
    private readonly strays: StrayClaims,
  ) {
    this.directory = join(config.dataDir, 'journal');
  }

  /** Starts looking; to be called once what an earlier run left has been replayed. */
  start(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /** Durable when it returns. @throws when the disk does not take it. */
  async keep(outcomes: readonly FileOutcome[]): Promise<void> {
    if (outcomes.length === 0) {
      return;
    }
    await mkdir(this.directory, { recursive: true });
    this.lastNumber += 1;
    const name = `${Date.now()}-${String(this.lastNumber).padStart(6, '0')}.json`;
    const temporary = join(this.directory, `${name}.part`);
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(encodeEntry({ claimant: this.claims.claimant, outcomes: [...outcomes] }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(this.directory, name));
    await this.syncDirectory();
    this.strays.hold(idsOf(outcomes));
    this.hasEntries = true;
    this.logger.warn(`the database is away; what became of ${outcomes.length} files is kept in ${this.directory}`);
  }

  /** Writes everything down that the journal holds, oldest first. @throws when the database is away (again). */
  async replay(): Promise<void> {
    this.hasEntries = false;
    try {
      for (const name of await this.entries()) {
        await this.replayOne(name);
      }
    } catch (error) {
      this.hasEntries = true;
      throw error;
    }
  }

  private async replayWhenPossible(): Promise<void> {
    if (this.hasEntries && this.database.isAvailable()) {
      await this.replay();
    }
  }

  private async replayOne(name: string): Promise<void> {
    const path = join(this.directory, name);
    const entry = decodeEntry(await readFile(path, 'utf8'));
    if (entry === undefined) {
      this.logger.error(`${path} is torn; it is kept as ${name}.torn, and its files are done again`);
      await this.setAside(name, 'torn');
      return;
    }
    try {
      const written = await this.records.writeLate(entry.outcomes, entry.claimant);
      this.logger.log(`${written} of ${entry.outcomes.length} outcomes of ${name} are in the ledger now`);
    } catch (error) {
      if (!isRefused(error)) {
        throw error; // not the entry's fault: it is read again
      }
      this.logger.error(`the ledger refuses ${path}, which is kept as ${name}.refused: ${messageOf(error)}`);
      await this.claims.release(idsOf(entry.outcomes), 1);
      await this.setAside(name, 'refused');
      this.strays.letGo(idsOf(entry.outcomes));
      return;
    }
    await unlink(path);
    this.strays.letGo(idsOf(entry.outcomes));
    await this.syncDirectory();
    this.listeners.announce(new Set(entry.outcomes.map((outcome) => outcome.row.acquisitionId)));
  }

  private async entries(): Promise<string[]> {
    try {
      return (await readdir(this.directory)).filter((name) => ENTRY.test(name)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return [];
      }
      throw error;
    }
  }

  private async setAside(name: string, why: 'torn' | 'refused'): Promise<void> {
    await rename(join(this.directory, name), join(this.directory, `${name}.${why}`));
    await this.syncDirectory();
  }

  private async syncDirectory(): Promise<void> {
    const directory = await open(this.directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

function idsOf(outcomes: readonly FileOutcome[]): string[] {
  return outcomes.map((outcome) => outcome.row.id);
}
