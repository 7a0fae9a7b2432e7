import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { LocalSourceTree } from './local-source-tree.js';
import type { OpenSource, SourceTrees } from './source-tree.port.js';
import { WatchHub } from './watch-hub.js';

/** How long a visited tree is kept for the next question, in ms. */
const VISIT_MS = 30_000;

interface Visited {
  tree: LocalSourceTree;
  timer: NodeJS.Timeout;
}

/** Opens each source by the adapter of its location. */
@Injectable()
export class ConfiguredSourceTrees implements SourceTrees, OnApplicationShutdown {
  private readonly visited = new Map<string, Visited>();

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly hub: WatchHub,
  ) {}

  open({ location, isJobResult }: OpenSource): LocalSourceTree {
    if (location.host !== null) {
      throw new StationError(
        'invalid',
        'SOURCE_HOST_UNSUPPORTED',
        `The station cannot read from ${location.host}. Mount the directory on the station's machine and name it there.`,
      );
    }
    const { daq, storage } = this.config;
    return new LocalSourceTree(location, {
      places: { roots: daq.sourceRoots, storage: storage.root, isJobResult },
      limitMs: daq.sourceAnswerSeconds * 1000,
      hub: this.hub,
    });
  }

  visit(source: OpenSource): LocalSourceTree {
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
  }

  /** One that hangs is kept: the next who asks must not make another thread hang. */
  private closeLater(key: string, tree: LocalSourceTree): NodeJS.Timeout {
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
