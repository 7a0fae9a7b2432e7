import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { RemoteHosts } from '../../storage/index.js';
import { KERNEL_FACTS, type KernelFacts } from './kernel-facts.js';
import { LocalSourceTree } from './local-source-tree.js';
import { RemoteSourceTree } from './remote/remote-source-tree.js';
import type { OpenSource, SourceTrees } from './source-tree.port.js';
import { SourceThreads } from './source-threads.js';
import { WatchHub } from './watch-hub.js';

/** How long a visited tree is kept for the next question, in ms. */
const VISIT_MS = 30_000;

type ConfiguredTree = LocalSourceTree | RemoteSourceTree;

interface Visited {
  tree: ConfiguredTree;
  timer: NodeJS.Timeout;
}

/** Opens each source by the adapter of its location. */
@Injectable()
export class ConfiguredSourceTrees implements SourceTrees, OnApplicationShutdown {
  private readonly threads = new SourceThreads();
  private readonly visited = new Map<string, Visited>();

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly hub: WatchHub,
    private readonly hosts: RemoteHosts,
    @Inject(KERNEL_FACTS) private readonly facts: KernelFacts,
  ) {}

  open({ location, isJobResult }: OpenSource): ConfiguredTree {
    const { daq, storage } = this.config;
    const limitMs = daq.sourceAnswerSeconds * 1000;
    const { host } = location;
    if (host !== null) {
      return new RemoteSourceTree(location, {
        roots: () => this.hosts.get(host).sourceRoots,
        shell: () => this.hosts.shell(host),
        limitMs,
      });
    }
    return new LocalSourceTree(location, {
      places: { roots: daq.sourceRoots, storage: storage.root, isJobResult },
      limitMs,
      hub: this.hub,
      mountInfo: this.facts.mountInfo,
      threads: this.threads,
    });
  }

  visit(source: OpenSource): ConfiguredTree {
    const { location, isJobResult } = source;
    const key = `${location.host ?? ''}:${isJobResult}:${location.directory.toString('latin1')}`;
    const known = this.visited.get(key);
    clearTimeout(known?.timer);
    const tree = known?.tree ?? this.open(source);
    this.visited.set(key, { tree, timer: this.closeLater(key, tree) });
    return tree;
  }

  async onApplicationShutdown(): Promise<void> {
    for (const { tree, timer } of this.visited.values()) {
      clearTimeout(timer);
      await tree.close();
    }
    this.visited.clear();
    this.threads.close();
  }

  /** One that hangs is kept: the next who asks must not make another thread hang. */
  private closeLater(key: string, tree: ConfiguredTree): NodeJS.Timeout {
    const close = () => {
      if (tree.hangs || tree.isBusy) {
        this.visited.set(key, { tree, timer: this.closeLater(key, tree) });
      } else {
        this.visited.delete(key);
        void tree.close();
      }
    };
    return setTimeout(close, VISIT_MS).unref();
  }
}
