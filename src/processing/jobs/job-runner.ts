import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { WakeableLoop } from '../../platform/events/index.js';
import { QUEUE, type WorkQueue } from '../../platform/queue/index.js';
import { LAUNCHER, type Launcher } from '../launcher/launcher.port.js';
import { ProcessingMetrics } from '../processing.metrics.js';
import type { Job } from './job.js';
import { HEARTBEAT_MS, JobClaims } from './job-claims.js';
import { JobDirectories } from './job-directories.js';
import { JobLostError, JobProgress } from './job-progress.js';
import { DetachedError, JobRun, type JobRunTools } from './job-run.js';
import { JobRepository } from './job.repository.js';
import { StageCommands } from './stage-command.js';

/** How often the database is asked for jobs whose hint was lost. */
const POLL_MS = 1000;
/** A job that the station itself could not run (full disk, database gone half-way) is tried again after this. */
const RETRY_MS = 5000;

/**
 * Keeps up to `concurrency` jobs going. Jobs are found in PostgreSQL; a hint from the queue or from this process only
 * makes it look at once. On shutdown running processes are left alone: the next start adopts them.
 */
@Injectable()
export class JobRunner implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(JobRunner.name);
  private readonly runs = new Map<string, { run: JobRun; ended: Promise<void> }>();
  private readonly tools: JobRunTools;
  private readonly poller: WakeableLoop;
  private readonly heart: WakeableLoop;
  private wakeTimer: NodeJS.Timeout | undefined;
  private isStarting = true;

  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    @Inject(QUEUE) private readonly queue: WorkQueue,
    @Inject(LAUNCHER) launcher: Launcher,
    private readonly claims: JobClaims,
    repository: JobRepository,
    progress: JobProgress,
    metrics: ProcessingMetrics,
  ) {
    const directories = new JobDirectories(config);
    const commands = new StageCommands(config, directories);
    const { outputTailBytes } = config.processing;
    this.tools = { repository, claims, progress, launcher, directories, commands, metrics, outputTailBytes };
    this.poller = new WakeableLoop('job poller', POLL_MS, () => this.claimJobs());
    this.heart = new WakeableLoop('job heartbeat', HEARTBEAT_MS, () => this.beat());
  }

  onApplicationBootstrap(): void {
    this.queue.consume('stage', { concurrency: 1 }, () => {
      this.wake();
      return Promise.resolve();
    });
    this.poller.start();
    this.heart.start();
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.wakeTimer);
    await Promise.all([this.poller.stop(), this.heart.stop()]);
    const runs = [...this.runs.values()];
    runs.forEach(({ run }) => run.requestDetach());
    await Promise.all(runs.map(({ ended }) => ended));
  }

  /** Looks for work now. */
  wake(): void {
    this.poller.wake();
  }

  /** The database says `aborting`; ends the job's process without waiting for the next heartbeat. */
  requestStop(jobId: string): void {
    this.runs.get(jobId)?.run.requestStop();
    this.wake();
  }

  private async claimJobs(): Promise<boolean> {
    if (this.isStarting) {
      await this.claims.releaseOfPredecessors();
      this.isStarting = false;
    }
    const free = this.config.processing.concurrency - this.runs.size;
    if (free <= 0) {
      return false;
    }
    const jobs = await this.claims.claim(free, [...this.runs.keys()]);
    jobs.forEach((job) => this.start(job));
    if (jobs.length === 0) {
      await this.wakeWhenDue();
    }
    return false;
  }

  /** A repeating stage that is due before the next poll is not kept waiting for it. */
  private async wakeWhenDue(): Promise<void> {
    clearTimeout(this.wakeTimer);
    const due = await this.claims.nextDue();
    const inMs = due === undefined ? POLL_MS : due.getTime() - Date.now();
    if (inMs < POLL_MS) {
      this.wakeTimer = setTimeout(() => this.wake(), Math.max(inMs, 0) + 1);
    }
  }

  private start(job: Job): void {
    const run = new JobRun(job, this.tools);
    const ended = run
      .run()
      .then(() => this.logEnd(job))
      .catch((error: unknown) => this.recover(job, error))
      .finally(() => {
        this.runs.delete(job.id);
        this.wake();
      });
    this.runs.set(job.id, { run, ended });
  }

  private logEnd(job: Job): void {
    const { id, status, stage, reason, startedAt, endedAt, workflowOwner, workflowName } = job;
    if (endedAt !== null) {
      const seconds = startedAt === null ? 0 : (endedAt.getTime() - startedAt.getTime()) / 1000;
      this.logger.log(
        { jobId: id, workflow: `${workflowOwner}/${workflowName}`, status, stage, reason, seconds },
        'job ended',
      );
    }
  }

  private async recover(job: Job, error: unknown): Promise<void> {
    if (error instanceof JobLostError) {
      this.logger.warn(error.message);
      return;
    }
    const isDetached = error instanceof DetachedError;
    if (!isDetached) {
      this.logger.error(`Job ${job.id} cannot go on just now and will be tried again: ${messageOf(error)}`);
    }
    const notBefore = isDetached ? null : new Date(Date.now() + RETRY_MS);
    // Without a database the lease runs out by itself.
    await this.claims.release(job, notBefore).catch(() => undefined);
  }

  private async beat(): Promise<boolean> {
    if (this.runs.size === 0) {
      return false;
    }
    const ids = [...this.runs.keys()];
    // A database that does not answer is no news about our jobs, and must not slow the heart down.
    const ours = await this.claims.heartbeat(ids).catch(() => undefined);
    if (ours === undefined) {
      return false;
    }
    for (const id of ids) {
      const status = ours.get(id);
      if (status === undefined) {
        // Ended a moment ago, or claimed by another worker: either way its process is not ours to touch.
        this.runs.get(id)?.run.requestDetach();
      } else if (status === 'aborting') {
        this.requestStop(id);
      }
    }
    return false;
  }
}
