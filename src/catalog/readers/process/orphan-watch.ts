import { workerData } from 'node:worker_threads';

const LOOK_EVERY_MS = 1000;

/** Ends its process when the parent of this id is gone: an orphan gets another parent. */
setInterval(() => {
  if (process.ppid !== workerData) {
    process.kill(process.pid, 'SIGKILL');
  }
}, LOOK_EVERY_MS);
