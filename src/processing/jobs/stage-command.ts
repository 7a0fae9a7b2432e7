import { stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { pathToText } from '../../kernel/path-text.js';
import type { StationConfig } from '../../platform/config/index.js';
import type { StageStep } from '../definitions/workflow-definition.schema.js';
import type { LaunchOrder, ProcessLimits } from '../launcher/launcher.port.js';
import { type Lookup, rewriteCommand } from '../substitution/command-rewriter.js';
import { stageScript } from '../substitution/stage-script.js';
import { fillTemplate } from '../substitution/text-template.js';
import type { Variable } from '../substitution/variable.js';
import type { Job } from './job.js';
import type { JobDirectories } from './job-directories.js';
import { jobLookup, jobVariables } from './job-variables.js';

export interface StageCommand {
  /** As recorded: values filled in, text form. */
  shown: string;
  workingDir: string | null;
  order: LaunchOrder;
  /** Why it must not be launched; a sentence. */
  problem: string | null;
}

/** Puts together what one process of a stage runs: script, environment, directory and limits. */
export class StageCommands {
  constructor(
    private readonly config: StationConfig,
    private readonly directories: JobDirectories,
  ) {}

  variables(job: Job, stageKey: string): Map<string, Variable> {
    return jobVariables(job, {
      id: job.id,
      stage: stageKey,
      owner: job.owner,
      stationName: this.config.station.name,
      workDirectory: this.directories.work(job),
      ...(job.definition.results === undefined ? {} : { resultsDirectory: this.directories.results(job) }),
    });
  }

  lookup(job: Job, stageKey: string): Lookup {
    return jobLookup(job.definition, this.variables(job, stageKey));
  }

  async build(job: Job, step: StageStep): Promise<StageCommand> {
    const variables = this.variables(job, step.key);
    const lookup = jobLookup(job.definition, variables);
    const command = rewriteCommand(step.stage.command, lookup);
    const given = step.stage.workingDir ?? null;
    const workingDir = given === null ? null : this.absolute(job, fillTemplate(given, lookup));
    return {
      shown: command.shown,
      workingDir: workingDir === null ? null : pathToText(workingDir),
      problem: command.problems[0] ?? (await directoryProblem(workingDir)),
      order: {
        script: stageScript(command, variables, workingDir ?? Buffer.from(this.directories.work(job))),
        shell: this.config.processing.shell,
        workDirectory: this.directories.work(job),
        environment: this.environment(job, step.key),
        limits: this.limits(),
      },
    };
  }

  limits(): ProcessLimits {
    const { stageTimeLimitSeconds, maxOutputBytes, stopGraceSeconds } = this.config.processing;
    return { timeSeconds: stageTimeLimitSeconds, maxOutputBytes, stopGraceSeconds };
  }

  private absolute(job: Job, path: Buffer): Buffer {
    return path[0] === SLASH ? path : Buffer.concat([Buffer.from(`${this.directories.work(job)}/`), path]);
  }

  /** Built from nothing: a stage sees no variable of the station's own, so none of its secrets. */
  private environment(job: Job, stageKey: string): Record<string, string> {
    const { username } = userInfo();
    return {
      PATH: this.config.processing.path,
      HOME: homedir(),
      USER: username,
      LOGNAME: username,
      SHELL: this.config.processing.shell,
      LANG: 'C.UTF-8',
      ...this.config.processing.environment,
      DM_STATION_NAME: this.config.station.name,
      DM_JOB_ID: job.id,
      DM_JOB_OWNER: job.owner,
      DM_WORKFLOW_OWNER: job.workflowOwner,
      DM_WORKFLOW_NAME: job.workflowName,
      DM_STAGE: stageKey,
      DM_WORK_DIRECTORY: this.directories.work(job),
      ...(job.definition.results === undefined ? {} : { DM_RESULTS_DIRECTORY: this.directories.results(job) }),
      ...(job.experimentName === null ? {} : { DM_EXPERIMENT_NAME: job.experimentName }),
    };
  }
}

const SLASH = 0x2f;

async function directoryProblem(path: Buffer | null): Promise<string | null> {
  if (path === null) {
    return null;
  }
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isDirectory ? null : `its working directory ${pathToText(path)} does not exist`;
}
