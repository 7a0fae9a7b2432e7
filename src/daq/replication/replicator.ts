import { Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import type { Transaction } from '../../platform/database/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import type { Destination, FaultKind, TransferOutcome } from '../../storage/index.js';
import { keptPath } from '../pipeline/kept-path.js';
import { afterFault } from '../pipeline/retry-policy.js';
import type { ClaimedOrder, OrderChange, ReadyOrder } from './copy-order.js';
import { copyTasks, lookAtPrimaries } from './copy-tasks.js';
import type { ReplicationParts } from './replication-parts.js';

const LOOK_INTERVAL_MS = 1000;
/** How often an absent destination is looked at. */
const ABSENT_WAIT_MS = 5000;
const BROKEN_BATCH_WAIT_SECONDS = 5;

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
  private absentUntil = 0;

  constructor(
    private readonly destination: Destination,
    private readonly parts: ReplicationParts,
  ) {
    this.logger = new Logger(`Replicator ${destination.name}`);
    this.loop = new WakeableLoop(`copies to ${destination.name}`, LOOK_INTERVAL_MS, () => this.turn());
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
    if (this.mustRecover) {
      await this.recover();
      this.mustRecover = false;
    }
    if (performance.now() < this.absentUntil || !(await this.parts.orders.hasDue(this.destination.name))) {
      return false;
    }
    if (!(await this.isPresent())) {
      this.absentUntil = performance.now() + ABSENT_WAIT_MS;
      return false;
    }
    const lanes = Array.from({ length: this.destination.concurrency }, () => this.copyBatch());
    // All of them, whatever became of one: what a turn has claimed must be at rest when the next one begins.
    const ends = await Promise.allSettled(lanes);
    const broken = ends.find((end) => end.status === 'rejected');
    if (broken !== undefined) {
      this.mustRecover = true;
      throw broken.reason instanceof Error ? broken.reason : new Error(String(broken.reason));
    }
    return ends.some((end) => end.status === 'fulfilled' && end.value > 0);
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
    const reason = await this.destination.absence();
    await this.parts.alarms.absence(this.destination, reason);
    return reason === undefined;
  }

  private async copyBatch(): Promise<number> {
    const { name } = this.destination;
    const claimed = await this.parts.orders.claim(name, this.parts.limits);
    const ids = claimed.map((order) => order.ledgerId);
    try {
      for (const group of Map.groupBy(claimed, (order) => order.experimentId).values()) {
        await this.copyGroup(group);
      }
    } catch (error) {
      this.logger.warn(`a batch of ${ids.length} copies broke off, it is repeated: ${messageOf(error)}`);
      await this.parts.orders.release(name, ids, BROKEN_BATCH_WAIT_SECONDS);
    }
    return claimed.length;
  }

  private async copyGroup(orders: readonly ClaimedOrder[]): Promise<void> {
    const [first] = orders;
    const experiment = first === undefined ? undefined : await this.parts.experiments.findById(first.experimentId);
    if (experiment === undefined) {
      return; // deleted meanwhile, its orders with it
    }
    const bytes = Number(orders.reduce((sum, order) => sum + order.sizeBytes, 0n));
    const fullness = await this.destination.fullness(bytes);
    if (fullness !== undefined) {
      const fault = { kind: 'no-space', code: 'DESTINATION_FULL', message: fullness } as const;
      await this.writeDown(
        experiment.id,
        [],
        orders.map((order) => this.afterFault(order, fault)),
      );
      return;
    }
    const { ready, missing } = await lookAtPrimaries(orders, Buffer.from(experiment.storageDirectory));
    const experimentDirectory = await this.destination.prepareDirectory(Buffer.from(experiment.storageDirectory));
    const outcomes = await this.destination.engine.transfer(
      await copyTasks(ready, { ...this.parts.place(this.destination), experimentDirectory }),
    );
    const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
    const made: MadeCopy[] = [];
    const changes = missing.map(({ order, reason }) => this.primaryTrouble(order, reason));
    for (const order of ready) {
      const outcome = byId.get(order.ledgerId);
      if (outcome?.status === 'published') {
        made.push({ order, outcome });
      } else {
        changes.push(this.changeOf(order, outcome));
      }
    }
    await this.writeDown(experiment.id, made, changes);
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

  private changeOf(order: ReadyOrder, outcome: TransferOutcome | undefined): OrderChange {
    switch (outcome?.status) {
      case 'changed':
      case 'vanished':
        // A newer version may just be taking the place of the primary copy: the next look finds where it lies now.
        return this.primaryTrouble(order, outcome.status === 'changed' ? outcome.detail : 'it is gone');
      case 'occupied':
        return {
          ledgerId: order.ledgerId,
          state: 'quarantined',
          reasonCode: 'destination-occupied',
          reason: `A file that the station did not write stands there at ${this.destination.name}, with other content. Move it away, then: dm destination retry ${this.destination.name}`,
          foundMd5Sum: outcome.foundMd5Sum,
        };
      case 'corrupt':
        return {
          ...this.afterFault(order, {
            kind: 'transient',
            code: 'corrupt-copy',
            message: 'The copy that was read back differs from the primary copy; it was thrown away.',
          }),
          foundMd5Sum: outcome.foundMd5Sum,
        };
      case 'failed':
        return this.afterFault(order, outcome);
      default:
        return this.afterFault(order, {
          kind: 'transient',
          code: 'NO_OUTCOME',
          message: 'The transfer engine did not say what became of the file.',
        });
    }
  }

  private primaryTrouble(order: ClaimedOrder, reason: string): OrderChange {
    return this.afterFault(order, {
      kind: 'transient',
      code: 'primary-copy',
      message: `The primary copy cannot be copied on: ${reason}. If it stays so, run: dm audit start`,
    });
  }

  private afterFault(order: ClaimedOrder, fault: { kind: FaultKind; code: string; message: string }): OrderChange {
    const change = afterFault(fault, order.attempts, this.parts.maxAttempts);
    return {
      ledgerId: order.ledgerId,
      state: change.state === 'quarantined' ? 'quarantined' : 'failed',
      reasonCode: fault.code,
      reason: fault.message,
      ...(change.attempts === undefined ? {} : { attempts: change.attempts }),
      ...(change.dueInSeconds === undefined ? {} : { dueInSeconds: change.dueInSeconds }),
    };
  }
}
