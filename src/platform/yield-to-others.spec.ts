import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../test/support/wait-for.js';

/** Niceness of the threads of this process that have this name. */
function nicenessOf(name: string): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
    const end = stat.lastIndexOf(')');
    return stat.slice(stat.indexOf('(') + 1, end) === name ? [Number(stat.slice(end + 2).split(' ')[16])] : [];
  });
}

describe.runIf(process.platform === 'linux')('yieldToOthers', () => {
  it('lowers the calling thread, and no other one', async () => {
    const before = nicenessOf('dm-test-yield');
    const module = new URL('./yield-to-others.ts', import.meta.url).href;
    const program = `import(${JSON.stringify(module)}).then(({ yieldToOthers }) => yieldToOthers());
      setInterval(() => undefined, 1000);`;
    const worker = new Worker(program, { eval: true, name: 'dm-test-yield' });

    const own = await waitFor(() => nicenessOf('dm-test-yield').find((niceness) => niceness > 0));

    expect([before, own]).toEqual([[], 5]);
    await worker.terminate();
  });
});
