import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { type AreaPermissions, permissionsOf } from './area-permissions.js';
import { RsyncPull } from './engines/rsync/rsync-pull.js';
import { RsyncPush } from './engines/rsync/rsync-push.js';
import { ShellDestination } from './engines/shell-destination.js';
import { ShellSource } from './engines/shell-source.js';
import { StagedTransferEngine } from './engines/staged-transfer-engine.js';
import { RemoteHosts } from './hosts/remote-hosts.js';
import { LocalTransferEngine } from './local/local-transfer-engine.js';
import { LocalShell } from './shell/local-shell.js';
import { resolvePermissions } from './resolved-permissions.js';
import type { Remains, TransferEngine } from './transfer-engine.port.js';
import { TransferMetrics } from './transfer.metrics.js';
import { heldToRate } from './wrappers/held-to-rate.js';
import { MeteredTransferEngine } from './wrappers/metered-transfer-engine.js';
import { RecheckingTransferEngine } from './wrappers/rechecking-transfer-engine.js';
import { remoteEngine } from './wrappers/remote-engine.js';

/** The engines that bring files into the storage area, by where the files lie. Opened when they are first needed. */
@Injectable()
export class TransferEngines {
  private readonly ofHosts = new Map<string, TransferEngine>();
  private readonly localShell = new LocalShell();
  readonly local: TransferEngine;

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly hosts: RemoteHosts,
    private readonly metrics: TransferMetrics,
  ) {
    const { workers, bytesPerSecond } = config.storage;
    const threads = new RecheckingTransferEngine(
      new LocalTransferEngine(workers, resolvePermissions(permissionsOf(config.storage))),
    );
    this.local = new MeteredTransferEngine(heldToRate(threads, bytesPerSecond), 'local', metrics);
  }

  /**
   * The engine for files of a host, as the ledger names it.
   *
   * @throws StationError HOST_UNKNOWN for one that is not configured (any more).
   */
  from(sourceHost: string): TransferEngine {
    if (sourceHost === hostname()) {
      return this.local;
    }
    let engine = this.ofHosts.get(sourceHost);
    if (engine === undefined) {
      engine = this.open(sourceHost);
      this.ofHosts.set(sourceHost, engine);
    }
    return engine;
  }

  /**
   * An engine that pushes files of this machine to a host, where they get these permissions; who asks for it closes it.
   *
   * @throws StationError HOST_UNKNOWN
   */
  to(alias: string, permissions: AreaPermissions): TransferEngine {
    const { concurrency, bytesPerSecond } = this.hosts.get(alias);
    const shell = this.hosts.shell(alias);
    const share = bytesPerSecond === undefined ? undefined : Math.floor(bytesPerSecond / concurrency);
    const push = new StagedTransferEngine(
      new ShellSource(this.localShell),
      new ShellDestination(shell, permissions),
      new RsyncPush(shell, share),
    );
    return remoteEngine(push, { name: 'rsync-push', concurrency, metrics: this.metrics });
  }

  /** Removes what cut-off attempts have left in the storage area, whichever engine it was. */
  async discard(remains: readonly Remains[]): Promise<void> {
    await this.local.discard(remains);
    const [alias] = Object.keys(this.config.storage.hosts);
    if (alias !== undefined) {
      // All that pull leave the same kinds of remains, and remove them without asking their host.
      await this.from(alias).discard(remains);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.local, ...this.ofHosts.values()].map((engine) => engine.close()));
    await this.localShell.close();
    await this.hosts.close();
  }

  private open(alias: string): TransferEngine {
    const { concurrency, bytesPerSecond } = this.hosts.get(alias);
    const shell = this.hosts.shell(alias);
    const share = bytesPerSecond === undefined ? undefined : Math.floor(bytesPerSecond / concurrency);
    const pull = new StagedTransferEngine(
      new ShellSource(shell),
      new ShellDestination(this.localShell, permissionsOf(this.config.storage)),
      new RsyncPull(shell, share),
    );
    return remoteEngine(pull, { name: 'rsync-pull', concurrency, metrics: this.metrics });
  }
}
