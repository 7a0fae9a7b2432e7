import { describe, expect, test } from 'vitest';
import type { TransferOutcome, TransferTask } from '../transfer-engine.port.js';
import { packOutcomes, packTasks, unpackOutcomes, unpackTasks } from './batch-messages.js';

const roots = [Buffer.from('/data')];
const directory = Buffer.from('/storage/99IDZ/demo');

describe('tasks in a message between threads', () => {
  test.each([
    ['a plain one', aTask({})],
    [
      'names that are no text',
      aTask({ sourcePath: Buffer.from([0x2f, 0xff, 0x0a]), destinationPath: Buffer.from([0xfe]) }),
    ],
    ['numbers of 64 bits', aTask({ expected: { sizeBytes: 2n ** 60n, mtimeNs: -5n, inode: 2n ** 64n - 1n } })],
    ['one that replaces another', aTask({ replaces: { keepAs: Buffer.from('system/versions/v1/a') } })],
    ['one that is kept under an empty name', aTask({ replaces: { keepAs: Buffer.alloc(0) } })],
    ['one with a known digest', aTask({ expectedMd5Sum: 'd41d8cd98f00b204e9800998ecf8427e' })],
    ['one that only compares', aTask({ mode: 'compare', proof: 'size' })],
  ])('bring %s over, between others', (_, task) => {
    const tasks = [aTask({ id: '1' }), task, aTask({ id: '3', experimentDirectory: Buffer.from('/storage/other') })];

    const [first, second, third] = unpackTasks(structuredClone(packTasks(tasks)));

    expect(plain(first)).toEqual(plain(tasks[0]));
    expect(plain(second)).toEqual(plain(task));
    expect(plain(third)).toEqual(plain(tasks[2]));
  });

  test('may be none', () => {
    expect(unpackTasks(structuredClone(packTasks([])))).toEqual([]);
  });

  test('say once what they have in common', () => {
    expect(packTasks([aTask({}), aTask({}), aTask({ mode: 'compare' }), aTask({})]).common).toHaveLength(2);
  });
});

describe('outcomes in a message between threads', () => {
  const published: TransferOutcome = {
    id: '7',
    status: 'published',
    md5Sum: '0123456789abcdef0123456789abcdef',
    sizeBytes: 2n ** 53n + 1n,
    proof: 'read-back',
    keptPrevious: false,
  };

  test.each<[string, TransferOutcome]>([
    ['a plain copy', published],
    ['a copy without digest', { ...published, md5Sum: null, proof: 'size' }],
    ['a copy that kept the version before', { ...published, keptPrevious: true }],
    ['a change', { id: '7', status: 'changed', detail: 'it was written to' }],
    ['a failure', { id: '7', status: 'failed', code: 'EIO', message: 'broken', kind: 'transient' }],
  ])('bring %s back, between others', (_, outcome) => {
    const outcomes = [{ ...published, id: '1' }, outcome, { ...published, id: '3' }];
    const tasks = outcomes.map(({ id }) => aTask({ id }));

    expect(unpackOutcomes(structuredClone(packOutcomes(outcomes)), tasks)).toEqual(outcomes);
  });
});

function aTask(given: Partial<TransferTask>): TransferTask {
  return {
    id: '2',
    sourcePath: Buffer.from('/data/scan1/frame.tif'),
    sourceRoots: roots,
    expected: { sizeBytes: 10n, mtimeNs: 1_790_000_000_123_456_789n, inode: 42n },
    experimentDirectory: directory,
    destinationPath: Buffer.from('data/scan1/frame.tif'),
    replaces: null,
    mode: 'copy',
    proof: 'read-back',
    fileMode: 0o640,
    directoryMode: 0o2770,
    ...given,
  };
}

/** Bytes compare as bytes, whichever array holds them. */
function plain(task: TransferTask | undefined): unknown {
  return JSON.parse(
    JSON.stringify(task, (_, value: unknown) =>
      typeof value === 'bigint'
        ? `${value}n`
        : value instanceof Uint8Array
          ? [...value]
          : value !== null && typeof value === 'object' && 'type' in value && value.type === 'Buffer' && 'data' in value
            ? value.data
            : value,
    ),
  );
}
