import { pathToText } from '../../kernel/path-text.js';
import { messageOf, StationError } from '../../kernel/errors.js';
import { type StageStep, stageSteps } from '../definitions/workflow-definition.schema.js';
import type { Launcher, ProcessOutcome, RunningProcess } from '../launcher/launcher.port.js';
import { resultsReady } from '../processing.events.js';
import type { ProcessingMetrics } from '../processing.metrics.js';
import { fillTemplate } from '../substitution/text-template.js';
import type { Job, JobProcess, JobStage, JobStatus } from './job.js';
import type { JobClaims } from './job-claims.js';
import type { JobDirectories } from './job-directories.js';
import { type JobProgress, JobStopRequestedError, type StageEnd } from './job-progress.js';
import type { JobRepository } from './job.repository.js';
import { endedProcess, foundOutputs } from './process-outcome.js';
import type { StageCommand, StageCommands } from './stage-command.js';
import { planStage, type StageMove } from './stage-plan.js';

export interface JobRunTools {
  repository: JobRepository;
  claims: JobClaims;
  progress: JobProgress;
  launcher: Launcher;
  directories: JobDirectories;
  commands: StageCommands;
  metrics: ProcessingMetrics;
  outputTailBytes: number;
}

/** The waiting for a process was given up because the station shuts down or lost the job; the process goes on. */
export class DetachedError extends Error {
  override readonly name = 'DetachedError';
}

type StageResult = 'passed' | 'waiting' | { failed: string };

/** Takes one claimed job from where its records say it is to its end, or to where it has to wait. */
export class JobRun {
  private readonly stop = new AbortController();
  private readonly detach = new AbortController();
  private current: RunningProcess | undefined;
  private processes: JobProcess[] = [];

  constructor(
    readonly job: Job,
    private readonly tools: JobRunTools,
  ) {}

  /** Ends the running process and the job. */
  requestStop(): void {
    this.stop.abort(new JobStopRequestedError());
  }

  /** Lets go of the process, which goes on; a later run adopts it. */
  requestDetach(): void {
    this.detach.abort(new DetachedError('detached'));
    this.current?.release();
  }

  /** @throws JobLostError, DetachedError, or what went wrong in the station itself; then the job is run again later. */
  async run(): Promise<void> {
    try {
      this.processes = await this.tools.repository.processes(this.job.id);
      if (this.job.status === 'aborting') {
        this.requestStop();
      } else if (this.job.status === 'pending') {
        await this.tools.progress.begin(this.job);
        this.job.status = 'running';
      }
      await this.runStages();
    } catch (error) {
      if (!(error instanceof JobStopRequestedError)) {
        throw error;
      }
      await this.finishStopped();
    }
  }

  private async runStages(): Promise<void> {
    await this.tools.directories.make(this.job);
    const stages = new Map((await this.tools.repository.stages(this.job.id)).map((stage) => [stage.key, stage]));
    for (const step of stageSteps(this.job.definition)) {
      if (isPassed(stages.get(step.key))) {
        continue;
      }
      const result = await this.runStage(step);
      if (result === 'waiting') {
        return;
      }
      if (result !== 'passed') {
        await this.finish('failed', `Stage ${step.key} failed: ${result.failed}.`);
        return;
      }
    }
    await this.finishResults();
  }

  private async runStage(step: StageStep): Promise<StageResult> {
    for (;;) {
      this.stop.signal.throwIfAborted();
      const move = this.plan(step);
      switch (move.kind) {
        case 'skip':
          await this.tools.progress.endStage(this.job, step.key, { status: 'skipped', reason: move.reason });
          return 'passed';
        case 'wait':
          await this.tools.claims.release(this.job, move.until);
          return 'waiting';
        case 'end':
          await this.tools.progress.endStage(this.job, step.key, { status: move.status, reason: move.reason });
          return move.status === 'done' ? 'passed' : { failed: move.reason ?? 'it did not end well' };
        case 'launch':
        case 'attach': {
          const end = await this.runProcess(step, move.kind === 'attach' ? move.process : undefined);
          if (end !== undefined) {
            return end.status === 'done' ? 'passed' : { failed: end.reason ?? 'it did not end well' };
          }
        }
      }
    }
  }

  private plan(step: StageStep): StageMove {
    try {
      const own = this.processes.filter((process) => process.stageKey === step.key);
      return planStage(step.stage, own, this.tools.commands.lookup(this.job, step.key), new Date());
    } catch (error) {
      if (error instanceof StationError) {
        return { kind: 'end', status: 'failed', reason: error.message.replace(/\.$/, '') };
      }
      throw error;
    }
  }

  /** Runs or adopts one process to its end and records that. @returns the end of its stage, if that is it. */
  private async runProcess(step: StageStep, known: JobProcess | undefined): Promise<StageEnd | undefined> {
    const ended = known === undefined ? await this.launch(step, undefined) : await this.reattach(step, known);
    const outputs = ended.status === 'done' ? await foundOutputs(this.tools.launcher, ended, step.stage) : {};
    this.processes = [...this.processes.filter((process) => process.number !== ended.number), ended];
    Object.assign(this.job.outputs, outputs);
    const next = this.plan(step);
    const stageEnd = next.kind === 'end' ? { status: next.status, reason: next.reason } : undefined;
    await this.tools.progress.endProcess(this.job, ended, outputs, stageEnd);
    this.tools.metrics.processEnded(ended);
    if (ended.status === 'aborted') {
      throw new JobStopRequestedError();
    }
    return stageEnd;
  }

  private async reattach(step: StageStep, process: JobProcess): Promise<JobProcess> {
    const found = await this.tools.launcher.reattach(process.reference, this.tools.commands.limits());
    switch (found.state) {
      case 'running':
        return this.ended(process, await this.follow(found.process));
      case 'ended':
        return this.ended(process, found.outcome);
      case 'never-begun':
        return this.launch(step, process);
      case 'lost': {
        const lost = await this.ended(process, {
          ending: 'lost',
          exitStatus: null,
          startedAt: null,
          endedAt: new Date(),
          isTruncated: false,
        });
        return { ...lost, reason: `it was lost: ${found.reason}` };
      }
    }
  }

  /** `again`: a process on record that certainly never began. */
  private async launch(step: StageStep, again: JobProcess | undefined): Promise<JobProcess> {
    const command = await this.tools.commands.build(this.job, step);
    const process = await this.prepare(step, command, again);
    await this.tools.progress.beginProcess(this.job, process);
    if (command.problem !== null) {
      return { ...process, status: 'failed', reason: command.problem, endedAt: new Date() };
    }
    let running: RunningProcess;
    try {
      this.stop.signal.throwIfAborted();
      this.detach.signal.throwIfAborted();
      running = await this.tools.launcher.launch(process.reference, command.order);
    } catch (error) {
      if (error instanceof StationError) {
        return { ...process, status: 'failed', reason: messageOf(error).replace(/\.$/, ''), endedAt: new Date() };
      }
      if (error instanceof JobStopRequestedError) {
        return { ...process, status: 'aborted', reason: 'a stop was asked for before it began', endedAt: new Date() };
      }
      throw error;
    }
    return this.ended(process, await this.follow(running));
  }

  private async prepare(step: StageStep, command: StageCommand, again: JobProcess | undefined): Promise<JobProcess> {
    const number = again?.number ?? this.processes.reduce((next, process) => Math.max(next, process.number + 1), 0);
    const launch = (again?.launch ?? 0) + 1;
    const previous = this.processes.filter((process) => process.stageKey === step.key).at(-1);
    const { reference, launch: used } = await this.freshDirectory(number, launch);
    return {
      number,
      stageKey: step.key,
      launch: used,
      status: 'running',
      reference,
      command: command.shown,
      workingDir: command.workingDir,
      exitStatus: null,
      reason: null,
      stdoutTail: Buffer.alloc(0),
      stderrTail: Buffer.alloc(0),
      stdoutBytes: 0,
      stderrBytes: 0,
      isTruncated: false,
      submittedAt: again?.submittedAt ?? previous?.endedAt ?? new Date(),
      startedAt: null,
      endedAt: null,
    };
  }

  /** A crash between making the directory and recording the process leaves a directory that nothing ran in. */
  private async freshDirectory(
    number: number,
    firstLaunch: number,
  ): Promise<{ reference: JobProcess['reference']; launch: number }> {
    for (let launch = firstLaunch; ; launch += 1) {
      try {
        const directory = this.tools.directories.process(this.job, number, launch);
        return { reference: await this.tools.launcher.prepare(directory), launch };
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST') || launch > firstLaunch + 100) {
          throw error;
        }
      }
    }
  }

  private async follow(running: RunningProcess): Promise<ProcessOutcome> {
    this.current = running;
    const onStop = () => {
      // It stays `aborting` as long as it hangs; whoever asks why is told.
      running
        .stop()
        .catch((error: unknown) => this.tools.progress.note(this.job, messageOf(error)).catch(() => undefined));
    };
    this.stop.signal.addEventListener('abort', onStop, { once: true });
    try {
      if (this.stop.signal.aborted) {
        onStop();
      }
      if (this.detach.signal.aborted) {
        running.release();
      }
      return await running.finished(this.detach.signal);
    } finally {
      this.stop.signal.removeEventListener('abort', onStop);
      this.current = undefined;
    }
  }

  private ended(process: JobProcess, outcome: ProcessOutcome): Promise<JobProcess> {
    return endedProcess(this.tools.launcher, process, outcome, this.tools.outputTailBytes);
  }

  private async finishResults(): Promise<void> {
    const { job, tools } = this;
    if (job.definition.results === undefined || job.experimentId === null) {
      await this.finish('done', null);
      return;
    }
    try {
      if (!(await tools.directories.hasResults(job))) {
        await this.finish('done', null);
        return;
      }
      const directory = pathToText(Buffer.from(tools.directories.results(job)));
      await tools.progress.finish(job, 'running', 'finalizing', null, [
        resultsReady(job, directory, this.resultsDestination()),
      ]);
    } catch (error) {
      if (!(error instanceof StationError) || error.retryable) {
        throw error;
      }
      await this.finish('failed', `Its results cannot be uploaded: ${error.message}.`);
    }
  }

  private resultsDestination(): string | undefined {
    const template = this.job.definition.results?.destDirectory;
    if (template === undefined) {
      return undefined;
    }
    const lookup = this.tools.commands.lookup(this.job, this.job.stage ?? '');
    const destination = pathToText(fillTemplate(template, lookup));
    if (destination.startsWith('/') || destination.split('/').includes('..')) {
      throw new StationError(
        'invalid',
        'RESULTS_DESTINATION_OUTSIDE_EXPERIMENT',
        `Their destination ${destination} is not inside the experiment`,
      );
    }
    return destination;
  }

  /** A stop that was asked for on a stage that is still on record as running: ends its process first. */
  private async finishStopped(): Promise<void> {
    for (const process of this.processes.filter((candidate) => candidate.status === 'running')) {
      const ended = await this.stopRecorded(process);
      await this.tools.progress.endProcess(this.job, ended, {}, { status: 'aborted', reason: ended.reason });
    }
    const stoppedBy = (await this.tools.repository.find(this.job.id))?.stoppedBy ?? 'a person';
    await this.finish('aborted', `Stopped by ${stoppedBy}.`, 'aborting');
  }

  private async stopRecorded(process: JobProcess): Promise<JobProcess> {
    const found = await this.tools.launcher.reattach(process.reference, this.tools.commands.limits());
    if (found.state === 'running') {
      await found.process.stop();
      return this.ended(process, await found.process.finished());
    }
    const outcome: ProcessOutcome =
      found.state === 'ended'
        ? found.outcome
        : { ending: 'stopped', exitStatus: null, startedAt: null, endedAt: new Date(), isTruncated: false };
    return this.ended(process, { ...outcome, ending: 'stopped' });
  }

  private async finish(status: JobStatus, reason: string | null, from: JobStatus = 'running'): Promise<void> {
    await this.tools.progress.finish(this.job, from, status, reason);
    this.tools.metrics.jobEnded(this.job);
  }
}

function isPassed(stage: JobStage | undefined): boolean {
  return stage?.status === 'done' || stage?.status === 'skipped';
}
