import { Logger } from '@nestjs/common';
import type { Transaction } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import type { Destination, TransferOutcome } from '../../storage/index.js';
import { keptPath } from '../pipeline/kept-path.js';
import type { ClaimedOrder, OrderChange, ReadyOrder } from './copy-order.js';
import { copyTasks, lookAtPrimaries } from './copy-tasks.js';
import { digestsOfChanged } from './primary-digests.js';
import { type CopyFault, faultOfBatch, OrderChanges } from './order-changes.js';
import type { ReplicationParts } from './replication-parts.js';

const LOOK_INTERVAL_MS = 1000;
/** How often a destination is tried that is absent, or that took nothing of the last batch. */
const REST_MS = 5000;

/** What the destination said to a batch as a whole. */
interface BatchEnd {
  claimed: number;
  /** Why it took nothing of it, or of a part of it; undefined when it took what could be read. */
  trouble: string | undefined;
}

/** What became of each file of a batch, and what those primary copies hold that are not as expected, by ledger id. */
interface Brought {
  outcomes: readonly TransferOutcome[];
  primaryMd5Sums: ReadonlyMap<string, string>;
}

interface MadeCopy {
  order: ReadyOrder;
  outcome: Extract<TransferOutcome, { status: 'published' }>;
}

/**
 * Makes the copies that are ordered for one destination, some batches at a time, at that destination's own pace. What it
 * decides is in the database, so a restart goes on where it was.
 */
export class Replicator {
  private readonly logger: Logger;
  private readonly loop: WakeableLoop;
  /** Set when orders may be claimed that nobody works on: at the start, and when a turn broke off. */
  private mustRecover = true;
  private restUntil = 0;
  /** What the destination said when it took nothing of the last batch. */
  private lastTrouble: string | undefined;
  private readonly changes: OrderChanges;

  constructor(
    private readonly destination: Destination,
    private readonly parts: ReplicationParts,
  ) {
    this.logger = new Logger(`Replicator ${destination.name}`);
    this.changes = new OrderChanges(destination.name, parts.maxAttempts);
    this.loop = new WakeableLoop(`copies to ${destination.name}`, LOOK_INTERVAL_MS, () => this.turn());
  }

  /** Why it took no copies when it was last asked to; undefined when it did. */
  get trouble(): string | undefined {
    return this.lastTrouble;
  }

  start(): void {
    this.loop.start();
  }

  wake(): void {
    this.loop.wake();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** Answers whether there is more to do right away. */
  private async turn(): Promise<boolean> {
    if (performance.now() < this.restUntil) {
      return false;
    }
    if (!this.mustRecover && !(await this.parts.orders.hasDue(this.destination.name))) {
      await this.lookAgain();
      return false;
    }
    // A storage area that is not mounted says nothing about the primary copies, which would count as gone.
    if (!(await this.isPresent()) || !(await this.parts.isStorageAreaPresent())) {
      this.rest();
      return false;
    }
    if (this.mustRecover) {
      await this.recover();
      this.mustRecover = false;
    }
    const lanes = Array.from({ length: this.destination.concurrency }, () => this.copyBatch());
    // All of them, whatever became of one: what a turn has claimed must be at rest when the next one begins.
    const ends = await Promise.allSettled(lanes);
    const broken = ends.find((end) => end.status === 'rejected');
    if (broken !== undefined) {
      this.mustRecover = true;
      throw broken.reason instanceof Error ? broken.reason : new Error(String(broken.reason));
    }
    return this.conclude(ends.flatMap((end) => (end.status === 'fulfilled' && end.value.claimed > 0 ? end.value : [])));
  }

  /** A destination that refuses whole batches is not run through all that waits for it: that would only move the heap. */
  private async conclude(ends: readonly BatchEnd[]): Promise<boolean> {
    if (ends.length === 0) {
      return false;
    }
    this.lastTrouble = ends.find((end) => end.trouble !== undefined)?.trouble;
    await this.parts.alarms.trouble(this.destination, this.lastTrouble);
    if (this.lastTrouble !== undefined) {
      this.rest();
    }
    return this.lastTrouble === undefined;
  }

  /** Nothing is due; what was the matter may be over without a copy to show it. */
  private async lookAgain(): Promise<void> {
    if (this.parts.alarms.isInTrouble(this.destination)) {
      if (!(await this.parts.orders.hasAny(this.destination.name))) {
        this.lastTrouble = undefined;
      }
      await this.isPresent();
      this.rest();
    }
  }

  private rest(): void {
    this.restUntil = performance.now() + REST_MS;
  }

  private async recover(): Promise<void> {
    const interrupted = await this.parts.orders.releaseAll(this.destination.name);
    for (const [experimentId, group] of Map.groupBy(interrupted, (order) => order.experimentId)) {
      const experiment = await this.parts.experiments.findById(experimentId);
      if (experiment !== undefined) {
        const experimentDirectory = this.destination.directoryOf(Buffer.from(experiment.storageDirectory));
        await this.destination.engine.discard(
          group.map(({ ledgerId, destinationPath }) => ({ id: ledgerId, destinationPath, experimentDirectory })),
        );
      }
    }
  }

  private async isPresent(): Promise<boolean> {
    const absence = await this.destination.absence();
    await this.parts.alarms.trouble(this.destination, absence ?? this.lastTrouble);
    return absence === undefined;
  }

  private async copyBatch(): Promise<BatchEnd> {
    const claimed = await this.parts.orders.claim(this.destination.name, this.parts.limits);
    let trouble: string | undefined;
    for (const group of Map.groupBy(claimed, (order) => order.experimentId).values()) {
      trouble = (await this.copyGroup(group)) ?? trouble;
    }
    return { claimed: claimed.length, trouble };
  }

  /** Answers why the destination took nothing; undefined when it took what could be read. */
  private async copyGroup(orders: readonly ClaimedOrder[]): Promise<string | undefined> {
    const [first] = orders;
    const experiment = first === undefined ? undefined : await this.parts.experiments.findById(first.experimentId);
    if (experiment === undefined) {
      return undefined; // deleted meanwhile, its orders with it
    }
    const directory = Buffer.from(experiment.storageDirectory);
    const { ready, missing } = await lookAtPrimaries(orders, directory);
    const answer = await this.bring(ready, directory);
    const changes = missing.map(({ order, reason }) => this.changes.primaryTrouble(order, reason));
    if ('code' in answer) {
      await this.writeDown(
        experiment.id,
        [],
        [...changes, ...ready.map((order) => this.changes.afterFault(order, answer))],
      );
      return answer.message;
    }
    const { outcomes, primaryMd5Sums } = answer;
    const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
    const made: MadeCopy[] = [];
    for (const order of ready) {
      const outcome = byId.get(order.ledgerId);
      if (outcome?.status === 'published') {
        made.push({ order, outcome });
      } else {
        changes.push(this.changes.of(order, outcome, primaryMd5Sums.get(order.ledgerId)));
      }
    }
    await this.writeDown(experiment.id, made, changes);
    return undefined;
  }

  /** What became of each file, or why the destination takes none of them. */
  private async bring(orders: readonly ReadyOrder[], storageDirectory: Buffer): Promise<Brought | CopyFault> {
    const bytes = Number(orders.reduce((sum, order) => sum + order.sizeBytes, 0n));
    const sourceRoot = await this.parts.sourceRoot();
    try {
      const fullness = await this.destination.fullness(bytes);
      if (fullness !== undefined) {
        return { kind: 'no-space', code: 'DESTINATION_FULL', message: fullness };
      }
      const experimentDirectory = await this.destination.prepareDirectory(storageDirectory);
      const { fileMode, directoryMode, engine } = this.destination;
      const tasks = copyTasks(orders, { sourceRoot, experimentDirectory, fileMode, directoryMode });
      const outcomes = await engine.transfer(tasks);
      return { outcomes, primaryMd5Sums: await digestsOfChanged(engine, tasks, outcomes) };
    } catch (error) {
      const fault = faultOfBatch(error);
      this.logger.warn(`a batch of ${orders.length} copies broke off: ${fault.message}`);
      return fault;
    }
  }

  /** Replicas and orders agree: one transaction. */
  private async writeDown(
    experimentId: number,
    made: readonly MadeCopy[],
    changes: readonly OrderChange[],
  ): Promise<void> {
    const { name } = this.destination;
    await this.parts.database.transaction(async (tx) => {
      await this.parts.orders.apply(tx, name, changes);
      const ids = made.map(({ order }) => order.ledgerId);
      const fulfilled = new Set(await this.parts.orders.fulfil(tx, name, ids));
      const recorded = made.filter(({ order }) => fulfilled.has(order.ledgerId));
      for (const { order, outcome } of recorded) {
        await this.followPrevious(tx, order, outcome.keptPrevious);
      }
      await this.parts.replicas.record(
        tx,
        recorded.map(({ order, outcome: { md5Sum, sizeBytes, proof } }) => ({
          ledgerId: order.ledgerId,
          destination: name,
          md5Sum,
          sizeBytes,
          proof,
        })),
      );
      await this.announce(
        tx,
        experimentId,
        recorded.map(({ order }) => order.ledgerId),
      );
    });
    await this.parts.alarms.quarantine(this.destination);
  }

  /** Content of the version before has moved aside at this destination, too. */
  private async followPrevious(tx: Transaction, order: ReadyOrder, isKept: boolean): Promise<void> {
    if (order.previous === null) {
      return;
    }
    const { ledgerId, version } = order.previous;
    await (isKept
      ? this.parts.replicas.move(tx, ledgerId, this.destination.name, keptPath(order, version))
      : this.parts.replicas.forget(tx, ledgerId, this.destination.name));
  }

  private async announce(tx: Transaction, experimentId: number, ledgerIds: readonly string[]): Promise<void> {
    if (ledgerIds.length > 0) {
      await this.parts.events.append(tx, [
        {
          type: 'copies.made',
          experimentId,
          subject: this.destination.name,
          data: { destination: this.destination.name, experimentId, ledgerIds },
        },
      ]);
    }
  }
}
