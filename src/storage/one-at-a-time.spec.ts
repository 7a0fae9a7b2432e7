import { describe, expect, it } from 'vitest';
import { OneAtATime } from './one-at-a-time.js';

describe(OneAtATime.name, () => {
  it('begins nothing beside what hangs, and tells everybody who waits', async () => {
    const queue = new OneAtATime(20);
    const hanging = Promise.withResolvers<undefined>();
    let begun = 0;
    const work = () => {
      begun += 1;
      return hanging.promise;
    };
    const both = [queue.do(work), queue.do(work)].map((done) => expect(done).rejects.toThrow('no answer within 20 ms'));
    await Promise.all(both);
    expect(begun).toBe(1);

    hanging.resolve(undefined);

    expect(await queue.do(() => Promise.resolve('made'))).toBe('made');
  });

  it('goes on after what failed', async () => {
    const queue = new OneAtATime(1000);
    await expect(queue.do(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await queue.do(() => Promise.resolve('made'))).toBe('made');
  });
});
