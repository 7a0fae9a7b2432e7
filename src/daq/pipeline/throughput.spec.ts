import { describe, expect, it } from 'vitest';
import { Throughput } from './throughput.js';

describe(Throughput.name, () => {
  it('averages over the time since the first file of the window', () => {
    const throughput = new Throughput();
    throughput.note('a', 10, 1000, 0);
    throughput.note('a', 10, 3000, 1500);
    throughput.note('b', 1, 1, 1500);
    expect(throughput.of('a', 3999)).toEqual({ filesPerSecond: 5, bytesPerSecond: 1000 });
  });

  it('knows no rate when nothing was done of late', () => {
    const throughput = new Throughput();
    throughput.note('a', 10, 1000, 0);
    expect(throughput.of('a', 29_000)).not.toBeNull();
    expect(throughput.of('a', 31_000)).toBeNull();
    expect(throughput.of('never')).toBeNull();
  });
});
