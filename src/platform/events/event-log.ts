import { Injectable, Logger, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { Database, type Sql, type Transaction } from '../database/index.js';
import type { NewEvent, StationEvent } from './event.js';
import { EventStore } from './event-store.js';
import { WakeableLoop } from './wakeable-loop.js';

export type EventHandler = (events: readonly StationEvent[]) => Promise<void>;

const BATCH = 500;
const IDLE_MS = 1000;

interface Subscription {
  consumer: string;
  types: readonly string[];
  handle: EventHandler;
  loop: WakeableLoop;
  /** The last event that it has passed, once that is known: nobody else moves its cursor. */
  position: number | undefined;
}

/**
 * The event feed. `append` writes into an outbox inside the caller's transaction; one relay moves committed rows into
 * the feed, which gives them their order (two transactions that commit out of order cannot make a reader skip one).
 * Durable consumers keep a cursor and see each event at least once, in order.
 */
@Injectable()
export class EventLog implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(EventLog.name);
  private readonly subscriptions: Subscription[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly relay: WakeableLoop;
  private started = false;

  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
  ) {
    this.relay = new WakeableLoop('event relay', IDLE_MS, () => this.moveOutbox());
  }

  onApplicationBootstrap(): void {
    this.started = true;
    this.relay.start();
    this.subscriptions.forEach((subscription) => subscription.loop.start());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.relay.stop(), ...this.subscriptions.map((subscription) => subscription.loop.stop())]);
  }

  /** Part of the caller's transaction when given one: the events exist if and only if it commits. */
  async append(sql: Sql | Transaction, events: readonly NewEvent[]): Promise<void> {
    if (events.length === 0) {
      return;
    }
    await this.store.append(sql, events);
    if ('afterCommit' in sql) {
      sql.afterCommit(() => this.relay.wake());
    } else {
      this.relay.wake();
    }
  }

  /** Registers a durable consumer; its name is the key of its cursor. A handler that throws sees the same batch again. */
  subscribe(consumer: string, types: readonly string[], handle: EventHandler): void {
    const subscription: Subscription = {
      consumer,
      types,
      handle,
      position: undefined,
      loop: new WakeableLoop(`event consumer ${consumer}`, IDLE_MS, () => this.deliver(subscription)),
    };
    this.subscriptions.push(subscription);
    if (this.started) {
      subscription.loop.start();
    }
  }

  /** Calls `listener` whenever the feed grew; returns how to stop that. */
  onGrowth(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private async moveOutbox(): Promise<boolean> {
    const types = await this.store.moveOutbox(BATCH);
    if (types.length > 0) {
      // The others pass these events by at their next idle turn.
      this.subscriptions
        .filter((subscription) => subscription.types.some((type) => types.includes(type)))
        .forEach((subscription) => subscription.loop.wake());
      this.listeners.forEach((listener) => listener());
    }
    return types.length === BATCH;
  }

  private async deliver(subscription: Subscription): Promise<boolean> {
    const position = (subscription.position ??= await this.store.cursor(subscription.consumer));
    // Read before the events: whatever comes in between is after it.
    const head = await this.store.latestId();
    if (head <= position) {
      return false;
    }
    const events = await this.store.read({ afterId: position, types: subscription.types, limit: BATCH });
    const last = events.at(-1);
    if (last === undefined) {
      // Nothing for this consumer up to there: it need not be looked through again, and may be forgotten in time.
      await this.pass(subscription, head);
      return false;
    }
    try {
      await subscription.handle(events);
    } catch (error) {
      this.logger.error(
        `${subscription.consumer} could not take events up to ${last.id}, will retry: ${messageOf(error)}`,
      );
      throw error;
    }
    await this.pass(subscription, last.id);
    return events.length === BATCH;
  }

  private async pass(subscription: Subscription, lastId: number): Promise<void> {
    await this.store.saveCursor(this.database, subscription.consumer, lastId);
    subscription.position = lastId;
  }
}
