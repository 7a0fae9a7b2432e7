import { setTimeout as pause } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import { objectId } from '../../kernel/ids.js';
import { catalogUnavailable } from '../catalog.errors.js';
import type { SizeSums } from '../statistics/exact-statistics.js';
import { LIMB_COUNT, limbsOf, numberOf } from './limbs.js';
import { DUPLICATE_KEY, serverCode } from './mongo-errors.js';

/** What a batch of writes changed. */
export interface SizeDelta {
  count: bigint;
  total: bigint;
  sumOfSquares: bigint;
}

export type CountedSums = Pick<SizeSums, 'count' | 'total' | 'sumOfSquares'>;

/** One per experiment; 64-bit numbers are read as bigint. */
export interface CounterDocument {
  _id: number;
  count: bigint;
  total: bigint;
  /** Limbs `l0`, `l1`, …; see limbs.ts. */
  squares: Record<string, bigint>;
  /** Writers that have announced themselves, with the time. */
  pending: Record<string, Date>;
  /** The counters are to be believed only while both are the same. */
  doubts: bigint;
  settledDoubts: bigint;
  /** Somebody is counting anew; writers wait. */
  recount: { token: string; until: Date } | null;
}

export interface Clock {
  now(): number;
  pause(ms: number): Promise<unknown>;
}

const REAL_CLOCK: Clock = { now: () => Date.now(), pause };

/** A batch takes well under a second; an announcement this old belongs to a writer that died. */
const WRITER_LIFETIME_MS = 60_000;
/** A recount takes about a second per million files. One this old belongs to a process that died. */
const RECOUNT_LIFETIME_MS = 120_000;
const RECOUNT_POLL_MS = 50;
/** How long a recount lets writers finish that are under way. One that is slower notes a doubt, and all is repeated. */
const DRAIN_MS = 2_000;

/**
 * Counters that stay exact without transactions, which not every server has. A writer announces itself in the counter
 * document, writes, and then adds what it changed while taking its announcement back, in one atomic update. Where that
 * does not happen, because the writer died or does not know what it wrote, the announcement stays or a doubt is noted,
 * and a reader counts anew: it lets writers finish, keeps new ones waiting, and takes the announcements back that are
 * left. It does so only when those are older than any batch can be, so that their writers write no more: one that wrote
 * after the count and then died would never be missed. Until then a scan answers, and nothing is stored. A writer that
 * lives after all finds that out when it settles and notes a doubt, for nobody knows what of its work has been counted.
 */
export class CounterStore {
  /** Experiments about which this process knows that no announcement of an earlier process is left. */
  private readonly cleared = new Set<number>();

  constructor(
    private readonly collection: mongo.Collection<CounterDocument>,
    private readonly clock: Clock = REAL_CLOCK,
  ) {}

  /** Call before writing; answers the announcement to settle or abandon afterwards. */
  async announce(experimentId: number): Promise<string> {
    const writer = objectId();
    const deadline = this.clock.now() + RECOUNT_LIFETIME_MS;
    while (this.clock.now() <= deadline) {
      const now = this.clock.now();
      const announced = await this.collection.updateOne(
        { _id: experimentId, ...noRecount(now) },
        { $set: { [`pending.${writer}`]: new Date(now), recount: null } },
      );
      if (announced.matchedCount === 1) {
        return writer;
      }
      if (!(await this.create(experimentId))) {
        await this.clock.pause(RECOUNT_POLL_MS);
      }
    }
    throw catalogUnavailable(new Error('the counters are being recounted for too long'));
  }

  /** Adds what the writer changed. */
  async settle(experimentId: number, writer: string, delta: SizeDelta): Promise<void> {
    const squares = limbsOf(delta.sumOfSquares).map((limb, index) => [`squares.l${index}`, limb] as const);
    const settled = await this.collection.updateOne(
      { _id: experimentId, [`pending.${writer}`]: { $exists: true } },
      {
        $inc: { count: delta.count, total: delta.total, ...Object.fromEntries(squares) },
        $unset: { [`pending.${writer}`]: '' },
      },
    );
    if (settled.matchedCount === 0) {
      await this.doubt(experimentId);
    }
  }

  /** The writer cannot tell what it changed. */
  async abandon(experimentId: number, writer: string): Promise<void> {
    await this.collection.updateOne(
      { _id: experimentId },
      { $inc: { doubts: 1n }, $unset: { [`pending.${writer}`]: '' } },
    );
  }

  /** The counters, counted anew with `scan` where they are in doubt. */
  async read(experimentId: number, scan: () => Promise<CountedSums>): Promise<CountedSums> {
    const document = await this.collection.findOne({ _id: experimentId }, { useBigInt64: true });
    if (document === null) {
      return scan();
    }
    if (this.isBelievable(document)) {
      this.cleared.add(experimentId);
      return {
        count: document.count,
        total: document.total,
        sumOfSquares: numberOf(Array.from({ length: LIMB_COUNT }, (_u, index) => document.squares[`l${index}`] ?? 0n)),
      };
    }
    // Somebody may be writing, or have died in the middle of it: which of the two, only time tells.
    return document.doubts === document.settledDoubts && this.hasYoungWriter(document)
      ? scan()
      : this.recount(experimentId, scan);
  }

  async remove(experimentId: number): Promise<void> {
    this.cleared.delete(experimentId);
    await this.collection.deleteOne({ _id: experimentId });
  }

  private isBelievable(document: CounterDocument): boolean {
    const lifetimeMs = this.cleared.has(document._id) ? WRITER_LIFETIME_MS : 0;
    const oldest = Math.min(...Object.values(document.pending).map((since) => since.getTime()));
    return document.doubts === document.settledDoubts && oldest > this.clock.now() - lifetimeMs;
  }

  private hasYoungWriter({ pending }: Pick<CounterDocument, 'pending'>): boolean {
    const ended = this.clock.now() - WRITER_LIFETIME_MS;
    return Object.values(pending).some((since) => since.getTime() > ended);
  }

  private async recount(experimentId: number, scan: () => Promise<CountedSums>): Promise<CountedSums> {
    const token = objectId();
    const now = this.clock.now();
    const begun = await this.collection.updateOne(
      { _id: experimentId, ...noRecount(now) },
      { $set: { recount: { token, until: new Date(now + RECOUNT_LIFETIME_MS) } }, $inc: { doubts: 1n } },
    );
    // Where somebody else is at it, a scan is an answer, too; only storing it is not ours.
    const doubts = begun.matchedCount === 1 ? await this.takeWritersBack(experimentId, token) : undefined;
    const sums = await scan();
    if (doubts !== undefined && (await this.store(experimentId, token, sums, doubts))) {
      this.cleared.add(experimentId);
    }
    return sums;
  }

  /**
   * Lets the writers that are under way finish, and takes the announcements back that stay, unless they are young: then
   * writers may go on, and there is no answer. Otherwise it is how many doubts there were by then: whoever notes a later
   * one may have written during the scan.
   */
  private async takeWritersBack(experimentId: number, token: string): Promise<bigint | undefined> {
    const mine = { _id: experimentId, 'recount.token': token };
    const deadline = this.clock.now() + DRAIN_MS;
    let document = await this.collection.findOne(mine);
    while (document !== null && Object.keys(document.pending).length > 0 && this.clock.now() < deadline) {
      await this.clock.pause(RECOUNT_POLL_MS);
      document = await this.collection.findOne(mine);
    }
    if (document === null || this.hasYoungWriter(document)) {
      await this.collection.updateOne(mine, { $set: { recount: null } });
      return undefined;
    }
    const options = { returnDocument: 'after', useBigInt64: true } as const;
    return (await this.collection.findOneAndUpdate(mine, { $set: { pending: {} } }, options))?.doubts;
  }

  private async store(experimentId: number, token: string, sums: CountedSums, doubts: bigint): Promise<boolean> {
    const { count, total } = sums;
    const squares = Object.fromEntries(limbsOf(sums.sumOfSquares).map((limb, index) => [`l${index}`, limb]));
    const { matchedCount } = await this.collection.updateOne(
      { _id: experimentId, 'recount.token': token },
      { $set: { count, total, squares, settledDoubts: doubts, recount: null } },
    );
    return matchedCount === 1;
  }

  private async doubt(experimentId: number): Promise<void> {
    await this.collection.updateOne({ _id: experimentId }, { $inc: { doubts: 1n } });
  }

  /** Makes the document where there is none, in doubt: there may be files already. Whether it was missing. */
  private async create(experimentId: number): Promise<boolean> {
    const squares = Object.fromEntries(limbsOf(0n).map((limb, index) => [`l${index}`, limb]));
    try {
      await this.collection.insertOne({
        _id: experimentId,
        count: 0n,
        total: 0n,
        squares,
        pending: {},
        doubts: 1n,
        settledDoubts: 0n,
        recount: null,
      });
      return true;
    } catch (error) {
      if (serverCode(error) === DUPLICATE_KEY) {
        return false;
      }
      throw error;
    }
  }
}

function noRecount(now: number): mongo.Filter<CounterDocument> {
  return { $or: [{ recount: null }, { 'recount.until': { $lt: new Date(now) } }] };
}
