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
import { Pipeline } from '../pipeline/pipeline.js';
import { Runners } from '../runner/runners.js';
import { overlapAlarm } from '../runner/acquisition-alarms.js';
import type { Acquisition, AcquisitionStatus, Finding } from './acquisition.js';
import { AcquisitionRepository, notFound } from './acquisition.repository.js';
import type { StartAcquisitionBody } from './acquisition.schema.js';
import { type AcquisitionView, viewOf } from './acquisition.view.js';
import { exitUploadAlarm } from './exit-upload-alarm.js';
import { destinationOf } from './destination.js';
import { overlaps, type Preflight, PreflightCheck } from './preflight.js';
import { optionsOf, requireFitting } from './requested-options.js';
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
  | { kind: 'exit'; monitorId: string; startedBy: string };

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
    await this.requireExitUpload(body, experiment);
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
    return only(await this.viewsOf([acquisition]));
  }

  async list(
    principal: Principal,
    query: {
      status?: AcquisitionStatus[] | undefined;
      kind?: 'upload' | 'monitor' | undefined;
      experiment?: string | undefined;
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
    await this.runners.stop(id);
    return this.get(principal, id);
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
    if (owner === principal.username || origin !== undefined) {
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
  private async requireExitUpload(body: StartAcquisitionBody, experiment: Experiment): Promise<void> {
    const directory = body.uploadDataDirectoryOnExit;
    if (directory === undefined) {
      return;
    }
    await destinationOf(Buffer.from(experiment.storageDirectory), 'data', body.uploadDestDirectoryOnExit);
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
      sourceClockNs: facts.clockNs,
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
      // A directory that appears later holds only what came after the start.
      ignoresExisting: body.kind === 'monitor' && !body.processExisting && !facts.isMissing,
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
    return acquisitions.map((one) => viewOf(one, experiments.get(one.experimentId)?.name ?? '', counts.get(one.id)));
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
