import { parentPort, workerData } from 'node:worker_threads';
import { lookAt } from './file-looks.js';
import type { LookQuestion, LookReply, LookThreadData } from './look-threads.js';

/** One of the threads that look at the files of a source on a file server. */
const data = workerData as LookThreadData;
const root = Buffer.from(data.root);
const beats = new Int32Array(data.beats);

parentPort?.on('message', ({ id, paths }: LookQuestion) => {
  const looks = paths.map((path) => {
    const look = lookAt(root, path);
    Atomics.add(beats, 0, 1);
    return look;
  });
  parentPort?.postMessage({ id, looks } satisfies LookReply);
});
