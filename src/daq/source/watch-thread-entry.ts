import { parentPort } from 'node:worker_threads';
import { DirectoryWatch, WatchBudget } from './directory-watch.js';
import { readWatchLimits } from './watch-limits.js';
import type { WatchOrder } from './watch-protocol.js';

/** The thread in which all local directories are watched: adding ten thousand watches takes seconds. */
const budget = new WatchBudget(readWatchLimits());
const watches = new Map<number, DirectoryWatch>();

parentPort?.on('message', (order: WatchOrder) => {
  switch (order.kind) {
    case 'open':
      watches.set(
        order.watch,
        new DirectoryWatch(order.watch, Buffer.from(order.root), budget, (news) => parentPort?.postMessage(news)),
      );
      break;
    case 'add':
      watches.get(order.watch)?.add(order.directories.map((directory) => Buffer.from(directory)));
      break;
    case 'close':
      void watches.get(order.watch)?.close();
      watches.delete(order.watch);
  }
});
