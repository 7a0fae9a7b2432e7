import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';

/** Tells the acquisitions' runners that a batch with files of theirs has ended, so that they need not poll. */
@Injectable()
export class BatchListeners implements BeforeApplicationShutdown {
  private readonly listeners = new Map<string, () => void>();
  isStopping = false;

  beforeApplicationShutdown(): void {
    this.isStopping = true;
  }

  listen(acquisitionId: string, listener: () => void): () => void {
    this.listeners.set(acquisitionId, listener);
    return () => this.listeners.delete(acquisitionId);
  }

  announce(acquisitionIds: ReadonlySet<string>): void {
    for (const id of acquisitionIds) {
      this.listeners.get(id)?.();
    }
  }
}
