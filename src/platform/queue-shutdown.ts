import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { QUEUE, type WorkQueue } from './queue/index.js';

/** Closing order: take no more jobs and let running handlers finish first, drop the connections last. */
@Injectable()
export class QueueShutdown implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(QUEUE) private readonly queue: WorkQueue) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.stopConsuming();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }
}
