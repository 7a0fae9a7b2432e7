import { randomNumbers } from '../bench/pieces/random.ts';

/** What can go wrong while files flow; each has an injector in `faults/`. */
export type FaultKind =
  | 'station-killed'
  | 'station-and-database-killed'
  | 'postgres-killed'
  | 'redis-killed'
  | 'mongo-killed'
  | 'destination-filled'
  | 'source-unmounted'
  | 'ssh-cut'
  | 'copy-corrupted'
  | 'source-changed';

/** What goes wrong with files that have been safe for some time: once a round has settled, outside of the plan. */
export type LateFaultKind = 'stored-copy-damaged';

export interface PlannedFault {
  kind: FaultKind;
  /** Seconds after the start of its round. */
  at: number;
  /** Seconds until what it broke is mended; ignored by faults that are over at once. */
  lasts: number;
  /** For what the fault itself decides, such as which bytes it damages. */
  seed: number;
}

/** Faults come closer together than they last, so that they overlap. */
const GAP_SECONDS = { least: 1.5, most: 6 };
const LASTING_SECONDS = { least: 1, most: 7 };
/** The last fault has begun this long before the end of the round: it is to be met by work, not by an idle station. */
const CALM_SECONDS = 2;
/** The first fault comes so long after the start of the round at the latest. */
const FIRST_SECONDS = { least: 2, most: 4 };

/**
 * Rounds of faults, wholly decided by the seed: times, kinds and durations. Kinds are drawn like cards, so that each
 * comes before any comes twice; a deck that is not used up goes on in the next round. A round that is long enough for
 * the least gaps has room for all kinds.
 */
export function planOf(
  seed: number,
  kinds: readonly FaultKind[],
  rounds: number,
  roundSeconds: number,
): PlannedFault[][] {
  const random = randomNumbers(seed);
  const deck: FaultKind[] = [];
  return Array.from({ length: rounds }, () => {
    const faults: PlannedFault[] = [];
    const room = (roundSeconds - CALM_SECONDS - FIRST_SECONDS.most) / (kinds.length - 1);
    const gaps = { ...GAP_SECONDS, most: Math.min(GAP_SECONDS.most, Math.max(GAP_SECONDS.least, room)) };
    for (let at = between(random, FIRST_SECONDS); at < roundSeconds - CALM_SECONDS; at += between(random, gaps)) {
      if (deck.length === 0) {
        deck.push(...shuffled(kinds, random));
      }
      const kind = deck.pop()!;
      faults.push({ kind, at, lasts: between(random, LASTING_SECONDS), seed: Math.floor(random() * 2 ** 31) });
    }
    return faults;
  });
}

function between(random: () => number, { least, most }: { least: number; most: number }): number {
  return least + random() * (most - least);
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const cards = [...items];
  for (let last = cards.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [cards[last], cards[other]] = [cards[other]!, cards[last]!];
  }
  return cards;
}
