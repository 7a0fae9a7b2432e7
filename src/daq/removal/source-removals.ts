import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { z } from 'zod';
import { messageOf, StationError } from '../../kernel/errors.js';
import { relativeTo } from '../../kernel/path-bytes.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { EventLog, type NewEvent, type StationEvent, WakeableLoop } from '../../platform/events/index.js';
import { AcquisitionRepository } from '../acquisitions/acquisition.repository.js';
import { type Removal, SOURCE_TREES, type SourceTrees } from '../source/source-tree.port.js';
import { RemovalChecks } from './removal-checks.js';
import { type DueRemoval, type RemovalOutcome, SourceRemovalRepository } from './source-removal.repository.js';
import { visitedSource } from './visited-source.js';

const LOOK_INTERVAL_MS = 1000;
/** One turn: small enough that a stop of the station never waits long for it. */
const BATCH = 200;
/** After a fault of the file system. */
const AGAIN_SECONDS = 30;

const filesDone = z.object({ acquisitionId: z.uuid(), ledgerIds: z.array(z.string()) });

/**
 * Removes source files of acquisitions that ask for it (`removeSourceFiles`), by proof only. Which files are to go
 * follows from the durable event of their end; each decision is written down with its reason and shown by `dm file why`.
 */
@Injectable()
export class SourceRemovals implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SourceRemovals.name);
  private readonly loop = new WakeableLoop('removal of source files', LOOK_INTERVAL_MS, () => this.turn());

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly acquisitions: AcquisitionRepository,
    private readonly repository: SourceRemovalRepository,
    private readonly checks: RemovalChecks,
    @Inject(SOURCE_TREES) private readonly sources: SourceTrees,
  ) {}

  onModuleInit(): void {
    this.events.subscribe('daq.source-removals', ['files.done'], (events) => this.plan(events));
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async plan(events: readonly StationEvent[]): Promise<void> {
    const removes = new Map<string, boolean>();
    for (const event of events) {
      const parsed = filesDone.safeParse(event.data);
      if (!parsed.success) {
        continue;
      }
      const { acquisitionId, ledgerIds } = parsed.data;
      if (!removes.has(acquisitionId)) {
        removes.set(acquisitionId, await this.isAskedFor(acquisitionId));
      }
      if (removes.get(acquisitionId) === true) {
        await this.repository.plan(acquisitionId, ledgerIds, this.config.daq.removeGraceSeconds);
      }
    }
  }

  private async isAskedFor(acquisitionId: string): Promise<boolean> {
    try {
      return (await this.acquisitions.get(acquisitionId)).options.removeSourceFiles;
    } catch (error) {
      if (error instanceof StationError && error.code === 'ACQUISITION_NOT_FOUND') {
        return false; // it went with its experiment
      }
      throw error;
    }
  }

  private async turn(): Promise<boolean> {
    const due = await this.repository.due(BATCH);
    if (due.length === 0) {
      return false;
    }
    const objections = new Map<string, RemovalOutcome>();
    for (const one of due) {
      const objection = await this.checks.objection(one);
      if (objection !== undefined) {
        objections.set(one.ledgerId, objection);
      }
    }
    await this.repository.begin(due.flatMap(({ ledgerId }) => (objections.has(ledgerId) ? [] : [ledgerId])));
    const outcomes: { due: DueRemoval; ledgerId: string; outcome: RemovalOutcome }[] = [];
    for (const one of due) {
      const objection = objections.get(one.ledgerId);
      const outcome = objection === undefined ? await this.remove(one) : await this.keep(one, objection);
      outcomes.push({ due: one, ledgerId: one.ledgerId, outcome });
    }
    await this.database.transaction(async (tx) => {
      await this.repository.end(tx, outcomes);
      await this.events.append(tx, eventsOf(outcomes));
    });
    return due.length === BATCH;
  }

  private async keep(due: DueRemoval, objection: RemovalOutcome): Promise<RemovalOutcome> {
    if (!due.isBegun || objection.kind !== 'kept') {
      return objection;
    }
    try {
      await visitedSource(this.sources, due).restore(pathInSource(due), due);
      return objection;
    } catch (error) {
      return this.later(due, messageOf(error));
    }
  }

  private async remove(due: DueRemoval): Promise<RemovalOutcome> {
    try {
      const removal = await visitedSource(this.sources, due).remove(pathInSource(due), due);
      return removal.status === 'failed' ? this.later(due, removal.code) : outcomeOf(removal, due);
    } catch (error) {
      return this.later(due, messageOf(error));
    }
  }

  private later(due: DueRemoval, reason: string): RemovalOutcome {
    this.logger.warn(`a source file of acquisition ${due.acquisitionId} could not be removed: ${reason}`);
    return { kind: 'later', inSeconds: AGAIN_SECONDS };
  }
}

function pathInSource({ sourcePath, source }: DueRemoval): Buffer {
  return relativeTo(sourcePath, source.directory);
}

function outcomeOf(removal: Exclude<Removal, { status: 'failed' }>, due: DueRemoval): RemovalOutcome {
  switch (removal.status) {
    case 'removed':
      return { kind: 'removed' };
    case 'gone':
      return due.isBegun
        ? { kind: 'removed' }
        : { kind: 'kept', code: 'source-gone', reason: 'Somebody else has removed it already.' };
    case 'changed':
      return { kind: 'kept', code: 'source-changed', reason: sentence(removal.detail) };
  }
}

function sentence(clause: string): string {
  return `${clause.slice(0, 1).toUpperCase()}${clause.slice(1)}.`;
}

/** One event per acquisition for what was removed, and one for what was kept, with the reasons. */
function eventsOf(outcomes: readonly { due: DueRemoval; ledgerId: string; outcome: RemovalOutcome }[]): NewEvent[] {
  return [...Map.groupBy(outcomes, ({ due }) => due.acquisitionId)].flatMap(([acquisitionId, group]) => {
    const experimentId = group[0]?.due.experimentId ?? null;
    const removed = group.filter(({ outcome }) => outcome.kind === 'removed');
    const keptOnes = group.flatMap(({ ledgerId, outcome }) =>
      outcome.kind === 'kept' ? [{ ledgerId, code: outcome.code }] : [],
    );
    const about = { experimentId, subject: acquisitionId };
    return [
      ...(removed.length === 0
        ? []
        : [
            {
              type: 'sources.removed',
              ...about,
              data: {
                acquisitionId,
                count: removed.length,
                bytes: Number(removed.reduce((sum, { due }) => sum + due.sizeBytes, 0n)),
                ledgerIds: removed.map(({ ledgerId }) => ledgerId),
              },
            },
          ]),
      ...(keptOnes.length === 0
        ? []
        : [{ type: 'sources.kept', ...about, data: { acquisitionId, count: keptOnes.length, files: keptOnes } }]),
    ];
  });
}
