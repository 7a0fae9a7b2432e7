export interface Contender {
  name: string;
  /** What is measured. `round` counts from 0; a fresh destination is its own affair. */
  run(round: number): Promise<number>;
  /** After the clock has stopped: check the work, then make room for the next. */
  afterwards(round: number): Promise<void>;
}

/**
 * Lets all contenders take turns, A B C, B C A, C A B …: whatever else the machine does meanwhile, and whatever one
 * leaves behind for the next, hits all alike. Answers the seconds of each, in the order of the rounds.
 */
export async function runRounds(
  contenders: readonly Contender[],
  rounds: number,
  onResult: (name: string, round: number, seconds: number) => void,
): Promise<Record<string, number[]>> {
  const seconds: Record<string, number[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const took = await contender.run(round);
      seconds[contender.name]?.push(took);
      onResult(contender.name, round, took);
      await contender.afterwards(round);
    }
  }
  return seconds;
}
