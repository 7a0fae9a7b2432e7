import { describe, expect, it } from 'vitest';
import { BoundedGate } from './bounded-gate.js';

const refusal = (): Error => new Error('full');

describe(BoundedGate.name, () => {
  it('lets only so many in at a time, in the order in which they came', async () => {
    const gate = new BoundedGate(2, 10);
    const finish: (() => void)[] = [];
    const entered: number[] = [];
    const runs = [0, 1, 2, 3].map((index) =>
      gate.run(async () => {
        entered.push(index);
        await new Promise<void>((resolve) => (finish[index] = resolve));
      }, refusal),
    );

    expect(entered).toEqual([0, 1]);
    finish[0]?.();
    await runs[0];
    expect(entered).toEqual([0, 1, 2]);
    finish[1]?.();
    finish[2]?.();
    await runs[1];
    await runs[2];
    finish[3]?.();
    await Promise.all(runs);
    expect(entered).toEqual([0, 1, 2, 3]);
  });

  it('turns away who finds too many waiting, and lets others in again after', async () => {
    const gate = new BoundedGate(1, 1);
    let finish = (): void => undefined;
    const first = gate.run(() => new Promise<void>((resolve) => (finish = resolve)), refusal);
    const second = gate.run(() => Promise.resolve('second'), refusal);

    await expect(gate.run(() => Promise.resolve(), refusal)).rejects.toThrow('full');
    finish();
    await first;
    await expect(second).resolves.toBe('second');
    await expect(gate.run(() => Promise.resolve('later'), refusal)).resolves.toBe('later');
  });

  it('gives the place of one who failed to the next', async () => {
    const gate = new BoundedGate(1, 1);
    const failing = gate.run(() => Promise.reject(new Error('broken')), refusal);
    const next = gate.run(() => Promise.resolve('next'), refusal);

    await expect(failing).rejects.toThrow('broken');
    await expect(next).resolves.toBe('next');
  });
});
