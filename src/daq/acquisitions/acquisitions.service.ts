import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { AccessService, type Principal, UsersService } from '../../auth/index.js';
import { type Experiment, ExperimentsService } from '../../experiments/index.js';
import { StationError } from '../../kernel/errors.js';
import { Alarms } from '../../platform/alarms/index.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { EventLog, type NewEvent } from '../../platform/events/index.js';
import { Destinations } from '../../storage/index.js';
import { decodeCursor, type Page, pageOf } from '../../platform/http/index.js';
import { PipelineMetrics } from '../pipeline/pipeline.metrics.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { Runners } from '../runner/runners.js';
import { startOf } from '../runner/left-alone.js';
import { overlapAlarm } from '../runner/acquisition-alarms.js';
import { type Acquisition, type AcquisitionStatus, ENDED_STATUSES, type Finding } from './acquisition.js';
import { lastFileOf } from './acquisition-end.js';
import { AcquisitionRepository, notFound } from './acquisition.repository.js';
import type { ClearAcquisitionsBody, StartAcquisitionBody } from './acquisition.schema.js';
import { type AcquisitionView, viewOf } from './acquisition.view.js';
import { exitUploadAlarm } from './exit-upload-alarm.js';
import { destinationOf, type DestinationRoot } from './destination.js';
import { overlaps, type Preflight, PreflightCheck } from './preflight.js';
import { bodyOf, optionsOf, requireFitting } from './requested-options.js';
import { SourceAddresses } from './source-addresses.js';

const listCursor = z.tuple([z.string(), z.uuid()]);
/** Any number that no other part uses: makes starts one after the other, so that two cannot miss each other. */
const START_LOCK = 7_236_002;

export interface StartedAcquisition extends AcquisitionView {
  preflight: { verdict: 'ok' | 'warning'; findings: Finding[] };
}

/** Origin of an acquisition that the station starts by itself; whoever asked for it had the right to. */
export type Origin =
  /** Results of a job. */
  | { kind: 'job'; jobId: string; triggerDepth: number }
  /** The upload that a monitor asks for at its end. */
  | { kind: 'exit'; monitorId: string; startedBy: string }
  /** A person takes an ended acquisition up again; rights are asked for as at any start. */
  | { kind: 'resume'; of: Acquisition };

/** Starting, stopping and looking at acquisitions. */
@Injectable()
export class AcquisitionsService {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly access: AccessService,
    private readonly experiments: ExperimentsService,
    private readonly acquisitions: AcquisitionRepository,
    private readonly preflight: PreflightCheck,
    private readonly runners: Runners,
    private readonly pipeline: Pipeline,
    private readonly users: UsersService,
    private readonly alarms: Alarms,
    private readonly metrics: PipelineMetrics,
    private readonly destinations: Destinations,
    private readonly addresses: SourceAddresses,
  ) {}

  /** @throws StationError SOURCE_*, HOST_*, DESTINATION_INVALID, ACQUISITION_EXISTS, PLUGIN_UNKNOWN, STORAGE_*, FORBIDDEN … */
  async start(principal: Principal, body: StartAcquisitionBody, origin?: Origin): Promise<StartedAcquisition> {
    const experiment = await this.experiments.getByName(principal, body.experiment);
    await this.access.require(principal, 'acquisition.start', { experimentId: experiment.id });
    if (body.workflow !== undefined) {
      await this.access.require(principal, 'job.start', { experimentId: experiment.id });
      await this.requireJobOwner(principal, body.workflow.jobOwner ?? principal.username, origin);
    }
    this.requireKnownPlugins(body.skipPlugins);
    requireFitting(body);
    const root = body.useAnalysisDirectoryAsRoot ? 'analysis' : 'data';
    const destination = await destinationOf(Buffer.from(experiment.storageDirectory), root, body.destDirectory);
    const source = this.addresses.locate(body.dataDirectory);
    await this.requireExitUpload(body, experiment, root);
    const verdict = await this.preflight.run({
      kind: body.kind,
      source,
      isJobResult: origin?.kind === 'job',
    });
    const acquisition = await this.database.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [START_LOCK]);
      const findings = overlaps({
        asked: source,
        directory: verdict.sourceDirectory,
        destinationDirectory: destination,
        experimentId: experiment.id,
        active: await this.acquisitions.active(tx),
      });
      const fresh = this.build(principal, body, experiment, {
        ...verdict,
        findings: [...verdict.findings, ...findings],
        host: source.host,
        destination,
        origin,
      });
      await this.acquisitions.insert(tx, fresh);
      const overlap = fresh.warnings.find((finding) => finding.code === 'SOURCE_OVERLAPS');
      if (overlap !== undefined) {
        await this.alarms.raise(overlapAlarm(fresh, overlap.message), tx);
      }
      await this.events.append(tx, [startedEvent(fresh)]);
      return fresh;
    });
    this.runners.start(acquisition);
    const view = await this.viewsOf([acquisition]);
    return {
      ...only(view),
      preflight: { verdict: acquisition.warnings.length === 0 ? 'ok' : 'warning', findings: acquisition.warnings },
    };
  }

  async get(principal: Principal, id: string): Promise<AcquisitionView> {
    const acquisition = await this.acquisitions.get(id);
    await this.requireRead(principal, acquisition);
    // Asked at the end only: while much waits, it would be looked for behind all of that.
    const last = ENDED_STATUSES.includes(acquisition.status) ? await this.acquisitions.lastFile(id) : undefined;
    return {
      ...only(await this.viewsOf([acquisition])),
      lastFile: lastFileOf(last),
    };
  }

  async list(
    principal: Principal,
    query: {
      status?: AcquisitionStatus[] | undefined;
      kind?: 'upload' | 'monitor' | undefined;
      experiment?: string | undefined;
      since?: string | undefined;
      until?: string | undefined;
      cleared?: boolean | undefined;
      limit: number;
      cursor?: string | undefined;
    },
  ): Promise<Page<AcquisitionView>> {
    await this.access.require(principal, 'acquisition.read');
    const visible = await this.access.visibleExperiments(principal);
    const chosen =
      query.experiment === undefined ? undefined : await this.experiments.getByName(principal, query.experiment);
    const after = decodeCursor(query.cursor, listCursor);
    const found = await this.acquisitions.list({
      limit: query.limit + 1,
      isWithCleared: query.cleared ?? false,
      ...(query.since === undefined ? {} : { since: query.since }),
      ...(query.until === undefined ? {} : { until: query.until }),
      ...(query.status === undefined ? {} : { status: query.status }),
      ...(query.kind === undefined ? {} : { kind: query.kind }),
      ...(chosen !== undefined ? { experimentIds: [chosen.id] } : visible === 'all' ? {} : { experimentIds: visible }),
      ...(after === undefined ? {} : { after: { createdAt: after[0], id: after[1] } }),
    });
    const page = pageOf(found, query.limit, (last) => [last.createdAt.toISOString(), last.id]);
    return { items: await this.viewsOf(page.items), nextCursor: page.nextCursor };
  }

  /** Cooperative: answers at once; the acquisition ends when what it had begun is safe. */
  async stop(principal: Principal, id: string): Promise<AcquisitionView> {
    const acquisition = await this.acquisitions.get(id);
    await this.requireRead(principal, acquisition);
    await this.access.require(principal, 'acquisition.control', { experimentId: acquisition.experimentId });
    await this.acquisitions.noteStop(id, principal.username);
    await this.runners.stop(id);
    return this.get(principal, id);
  }

  /**
   * Starts again what an ended acquisition left: with its options, linked to it. Files that it brought are as they were,
   * those in quarantine are tried again, and a monitor takes what came since it began.
   *
   * @throws StationError ACQUISITION_NOT_ENDED, RESUME_NOT_POSSIBLE, and what a start throws
   */
  async resume(principal: Principal, id: string): Promise<StartedAcquisition> {
    const ended = await this.require(principal, id);
    if (!ENDED_STATUSES.includes(ended.status)) {
      throw new StationError(
        'conflict',
        'ACQUISITION_NOT_ENDED',
        `Acquisition ${id} is ${ended.status}; stop it first.`,
      );
    }
    const experiment = await this.experiments.findById(ended.experimentId);
    if (ended.jobId !== null || experiment === undefined) {
      throw new StationError('conflict', 'RESUME_NOT_POSSIBLE', 'Results of a job come with the job: run that again.');
    }
    return this.start(principal, bodyOf(ended, experiment.name), {
      kind: 'resume',
      of: ended,
    });
  }

  /** Takes ended acquisitions of an experiment off the list; they stay the record of where files came from. */
  async clearEnded(principal: Principal, body: ClearAcquisitionsBody): Promise<{ cleared: number }> {
    const { id } = await this.experiments.getByName(principal, body.experiment);
    await this.access.require(principal, 'acquisition.control', { experimentId: id });
    return this.database.transaction(async (tx) => {
      const cleared = await this.acquisitions.clear(tx, id, {
        kind: body.kind ?? null,
        status: body.status ?? null,
        endedBefore: body.endedBefore ?? null,
      });
      for (const one of cleared) {
        await this.alarms.clear(exitUploadAlarm(one), tx);
      }
      return { cleared: cleared.length };
    });
  }

  async clear(principal: Principal, id: string): Promise<void> {
    const acquisition = await this.acquisitions.get(id);
    await this.requireRead(principal, acquisition);
    await this.access.require(principal, 'acquisition.control', { experimentId: acquisition.experimentId });
    await this.acquisitions.delete(id);
    await this.alarms.clear(exitUploadAlarm(id));
  }

  /** The acquisition, if the caller may see it. */
  async require(principal: Principal, id: string): Promise<Acquisition> {
    const acquisition = await this.acquisitions.get(id);
    await this.requireRead(principal, acquisition);
    return acquisition;
  }

  private async requireRead(principal: Principal, acquisition: Acquisition): Promise<void> {
    const { allowed } = await this.access.can(principal, 'acquisition.read', {
      experimentId: acquisition.experimentId,
    });
    if (!allowed) {
      throw notFound(acquisition.id);
    }
  }

  /** The rule of POST /jobs: only who may start jobs anywhere does so in the name of others. */
  private async requireJobOwner(principal: Principal, owner: string, origin: Origin | undefined): Promise<void> {
    if (owner === principal.username || (origin !== undefined && origin.kind !== 'resume')) {
      return;
    }
    const { allowed } = await this.access.can(principal, 'job.start');
    if (!allowed) {
      throw new StationError(
        'forbidden',
        'JOB_OWNER_NOT_ALLOWED',
        'Only the station manager starts jobs in the name of others; leave out jobOwner.',
      );
    }
    if ((await this.users.findByUsername(owner)) === undefined) {
      throw new StationError(
        'invalid',
        'JOB_OWNER_UNKNOWN',
        `There is no user ${owner}; leave out jobOwner or correct it.`,
      );
    }
  }

  private requireKnownPlugins(names: readonly string[]): void {
    const known = this.pipeline.names();
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      throw new StationError(
        'invalid',
        'PLUGIN_UNKNOWN',
        `There is no plug-in ${unknown.join(', ')}; there are ${known.join(', ')}.`,
      );
    }
    if (names.includes('transfer') || names.includes('directory')) {
      throw new StationError(
        'invalid',
        'PLUGIN_REQUIRED',
        'The plug-ins transfer and directory cannot be skipped: without a verified copy no file is done. skipTransfer records files where they lie.',
      );
    }
  }

  /** A mistyped directory is told at the start of the monitor, not at its end in the night. It may appear until then. */
  private async requireExitUpload(
    body: StartAcquisitionBody,
    experiment: Experiment,
    root: DestinationRoot,
  ): Promise<void> {
    const directory = body.uploadDataDirectoryOnExit;
    if (directory === undefined) {
      return;
    }
    await destinationOf(Buffer.from(experiment.storageDirectory), root, body.uploadDestDirectoryOnExit);
    await this.preflight.requireUsable(this.addresses.locate(directory));
  }

  private build(
    principal: Principal,
    body: StartAcquisitionBody,
    experiment: Experiment,
    facts: Preflight & { host: string | null; destination: Buffer; origin: Origin | undefined },
  ): Acquisition {
    const createdAt = new Date();
    const { origin } = facts;
    return {
      id: randomUUID(),
      kind: body.kind,
      experimentId: experiment.id,
      status: 'pending',
      sourceHost: facts.host ?? hostname(),
      sourceDirectory: facts.sourceDirectory,
      sourceDevice: null,
      sourceFileSystem: facts.fileSystem?.type ?? null,
      // What came while nobody watched is new to one that takes another's work up.
      sourceClockNs: origin?.kind === 'resume' ? startOf(origin.of) : facts.clockNs,
      destinationDirectory: facts.destination,
      options: optionsOf(body, {
        username: principal.username,
        daq: this.config.daq,
        destinations: this.destinations.chosen(body.destinations),
      }),
      startedBy: origin?.kind === 'exit' ? origin.startedBy : principal.username,
      jobId: origin?.kind === 'job' ? origin.jobId : null,
      triggerDepth: origin?.kind === 'job' ? origin.triggerDepth : 0,
      onExitOf: origin?.kind === 'exit' ? origin.monitorId : null,
      resumes: origin?.kind === 'resume' ? origin.of.id : null,
      stoppedBy: null,
      clearedAt: null,
      // A directory that appears later holds only what came after the start.
      ignoresExisting:
        origin?.kind === 'resume'
          ? origin.of.ignoresExisting
          : body.kind === 'monitor' && !body.processExisting && !facts.isMissing,
      unchangedFiles: 0,
      unchangedBytes: 0,
      scanComplete: false,
      warnings: facts.findings,
      errorMessage: null,
      createdAt,
      startedAt: null,
      stopAt:
        body.kind === 'monitor' && body.durationSeconds !== undefined
          ? new Date(createdAt.getTime() + body.durationSeconds * 1000)
          : null,
      endedAt: null,
      exitUpload: null,
    };
  }

  private async viewsOf(acquisitions: readonly Acquisition[]): Promise<AcquisitionView[]> {
    const counts = await this.acquisitions.counts(acquisitions.map((one) => one.id));
    const experiments = new Map<number, Experiment | undefined>();
    for (const { experimentId } of acquisitions) {
      if (!experiments.has(experimentId)) {
        experiments.set(experimentId, await this.experiments.findById(experimentId));
      }
    }
    return acquisitions.map((one) =>
      viewOf(one, experiments.get(one.experimentId)?.name ?? '', counts.get(one.id), this.metrics.rates.of(one.id)),
    );
  }
}

function startedEvent(acquisition: Acquisition): NewEvent {
  const { id, kind, experimentId, jobId, startedBy, warnings } = acquisition;
  return {
    type: 'acquisition.started',
    experimentId,
    subject: id,
    data: { acquisitionId: id, kind, jobId, by: startedBy, warnings },
  };
}

function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) {
    throw new Error('one item was expected');
  }
  return item;
}
