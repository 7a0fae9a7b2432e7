import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ExperimentUsage, type UsageFinding } from '../../experiments/index.js';
import type { Sql } from '../../platform/database/index.js';
import type { Acquisition } from '../acquisitions/acquisition.js';
import { AcquisitionRunner } from './acquisition-runner.js';
import { RunnerParts } from './runner-parts.js';

/** Keeps one runner for each acquisition that is not over, over restarts of the station. */
@Injectable()
export class Runners implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Runners.name);
  private readonly runners = new Map<string, AcquisitionRunner>();
  private isStopping = false;

  constructor(
    private readonly parts: RunnerParts,
    private readonly usage: ExperimentUsage,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.usage.register((experimentId, sql) => this.findings(experimentId, sql));
    const active = await this.parts.acquisitions.active();
    for (const acquisition of active) {
      this.start(acquisition);
    }
    if (active.length > 0) {
      this.logger.log(`${active.length} acquisitions go on where they were`);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await Promise.all([...this.runners.values()].map((runner) => runner.shutDown()));
    this.runners.clear();
  }

  /** Nothing is started twice, nor while the station stops: the next start goes on with what is not over. */
  start(acquisition: Acquisition): void {
    if (this.isStopping || this.runners.has(acquisition.id)) {
      return;
    }
    const runner = new AcquisitionRunner(this.parts, acquisition, () => this.runners.delete(acquisition.id));
    this.runners.set(acquisition.id, runner);
    runner.start();
  }

  /** Asks for a stop; answers at once, the acquisition ends a little later. */
  async stop(id: string): Promise<void> {
    await this.runners.get(id)?.requestStop();
  }

  get count(): number {
    return this.runners.size;
  }

  /** Read in the deleting transaction, so that one that is just being started is seen, too. */
  private async findings(experimentId: number, sql: Sql): Promise<UsageFinding[]> {
    const active = (await this.parts.acquisitions.active(sql)).filter((one) => one.experimentId === experimentId);
    return active.map((one) => ({ kind: 'active', what: `an active acquisition ${one.id} (${one.status})` }));
  }
}
