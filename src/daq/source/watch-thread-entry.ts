import { parentPort, workerData } from 'node:worker_threads';
import { DirectoryWatch } from './directory-watch.js';
import { WatchBudget } from './watch-budget.js';
import type { WatchOrder, WatchThreadData } from './watch-protocol.js';

/** The thread in which all local directories are watched: adding ten thousand watches takes seconds. */
const { limits, used } = workerData as WatchThreadData;
const budget = new WatchBudget(limits, new Int32Array(used));
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
