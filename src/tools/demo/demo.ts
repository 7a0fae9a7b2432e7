import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isEnded } from '../../cli/acquisition-view.js';
import { type ApiClient, apiPath } from '../../cli/api-client.js';
import type { AcquisitionAnswer, JobAnswer } from '../../cli/api-types.js';
import { eventStream } from '../../cli/event-stream.js';
import { formatBytes, formatSeconds, plural } from '../../cli/format.js';
import { isJobEnded } from '../../cli/job-view.js';
import { safeLine } from '../../cli/safe-text.js';
import { waitUntilFinished } from '../../cli/wait.js';
import { messageOf } from '../../kernel/errors.js';
import { pathToText } from '../../kernel/path-text.js';
import { DetectorPlayer, type Exposure } from '../detector/index.js';
import { checkFacts } from './demo-checks.js';
import { showFacts } from './demo-display.js';
import { demoExposures, findPackageRoot, isHdf5 } from './demo-exposures.js';
import { type DemoFacts, gatherFacts, type WrittenExposure } from './demo-facts.js';
import { type Check, type DemoReport, reportedFiles, reportedJob } from './demo-report.js';
import { DEMO_EXPERIMENT, DEMO_METADATA, setTheStage } from './demo-stage.js';
import { DemoStation } from './demo-station.js';
import { DEMO_WORKFLOW } from './demo-workflow.js';
import type { Narrator } from './narrator.js';

/** Longer than the pauses of the detector, with room for a busy machine; short enough to watch. */
const QUIET_SECONDS = 1.5;
const PAUSE_MS = 250;
/** The demo is to take less than two minutes. What is not done this long after its start is what the checks will name. */
const LIMIT_SECONDS = 120;
const PATIENCE_SECONDS = 100;

/** The main job of a station from start to finish, on real files, checked on the disk. */
export class Demo {
  private readonly startedAt = Date.now();
  private readonly checks: Check[] = [];
  private readonly stopping = new AbortController();
  private facts: DemoFacts | undefined;

  constructor(private readonly narrator: Narrator) {}

  /** Ends the demo at its next step; the station is still stopped and the report written. */
  interrupt(): void {
    this.stopping.abort(new Error('The demo was interrupted.'));
  }

  async run(): Promise<DemoReport> {
    const root = await mkdtemp(join(tmpdir(), 'dm-demo-'));
    const station = new DemoStation({ root, quietSeconds: QUIET_SECONDS });
    let error: string | null = null;
    let isInterrupted = false;
    try {
      await this.play(station, root);
    } catch (thrown) {
      isInterrupted = this.stopping.signal.aborted;
      error = messageOf(isInterrupted ? this.stopping.signal.reason : thrown);
      this.narrator.say(`\n${error}`);
    }
    await this.finish(station);
    const passed = error === null && this.checks.every((check) => check.passed);
    const isKept = !passed && !isInterrupted;
    if (isKept) {
      this.narrator.say(`Everything still lies in ${root} (the station's log: ${station.logFile}).`);
    } else {
      await rm(root, { recursive: true, force: true });
    }
    return {
      passed,
      startedAt: new Date(this.startedAt).toISOString(),
      seconds: (Date.now() - this.startedAt) / 1000,
      files: this.facts === undefined ? [] : reportedFiles(this.facts),
      jobs: this.facts === undefined ? [] : this.facts.jobs.map(reportedJob),
      checks: this.checks,
      error,
      keptFolder: isKept ? root : null,
    };
  }

  private async play(station: DemoStation, root: string): Promise<void> {
    this.narrator.title('DM Station demo: from the detector to a processed, cataloged, provable file');
    await this.startStation(station, root);
    const story = await setTheStage(this.narrator, station);
    const doneAtMs = this.noteDoneEvents(story.user);
    const monitors = await this.startMonitors(story.user, station.detectorDirectory);
    const written = await this.playDetectors(station.detectorDirectory);
    await this.waitForTheStation(story.user, monitors, written);
    this.stopping.signal.throwIfAborted();
    const facts = await gatherFacts({
      client: story.user,
      stranger: story.stranger,
      experiment: story.experiment,
      detectorDirectory: station.detectorDirectory,
      root,
      written,
      doneAtMs,
    });
    this.facts = facts;
    showFacts(this.narrator, facts, reportedFiles(facts));
    this.narrator.next('Is all of this true? Asked of the disk, by md5sum and stat');
    this.record(checkFacts(facts));
  }

  private async startStation(station: DemoStation, root: string): Promise<void> {
    this.narrator.next('Start a station in a temporary folder');
    const begun = Date.now();
    await station.start();
    this.narrator.say(`${station.address}, folder ${root}, ready in ${formatSeconds((Date.now() - begun) / 1000)}`);
    this.stopping.signal.throwIfAborted();
  }

  /** Follows the event feed from its beginning, so that nothing is missed however late the connection stands. */
  private noteDoneEvents(client: ApiClient): Map<string, number> {
    const doneAtMs = new Map<string, number>();
    const follow = async () => {
      const options = { lastEventId: '0', types: ['files.done'], signal: this.stopping.signal };
      for await (const event of eventStream(client, options)) {
        for (const id of event.data['ledgerIds'] as string[]) {
          doneAtMs.set(id, Date.now());
        }
      }
    };
    // The checks miss what the feed did not bring; a broken feed must not end the demo by itself.
    follow().catch((error: unknown) => this.narrator.say(`The event feed ended: ${messageOf(error)}`));
    return doneAtMs;
  }

  private async startMonitors(client: ApiClient, detectorDirectory: string): Promise<AcquisitionAnswer[]> {
    this.narrator.next('Start to watch two detectors that have not written anything yet');
    const monitor = (name: string, options: object) =>
      client.post<AcquisitionAnswer>('/acquisitions', {
        kind: 'monitor',
        experiment: DEMO_EXPERIMENT,
        dataDirectory: pathToText(Buffer.from(join(detectorDirectory, name))),
        destDirectory: name,
        metadata: DEMO_METADATA,
        ...options,
      });
    const monitors = [
      await monitor('area', { workflow: { owner: 'admin', name: DEMO_WORKFLOW.name } }),
      await monitor('hutch', {}),
    ];
    for (const { dataDirectory, preflight } of monitors) {
      const warnings = (preflight?.findings ?? []).map(({ message }) => safeLine(message));
      this.narrator.say(warnings.length === 0 ? `watching ${safeLine(dataDirectory)}` : warnings.join('\n'));
    }
    return monitors;
  }

  private async playDetectors(detectorDirectory: string): Promise<WrittenExposure[]> {
    this.narrator.next('Two detectors write: slowly, in pieces, under awkward names');
    const { area, hutch, realFiles } = await demoExposures(findPackageRoot());
    const begun = Date.now();
    const written: WrittenExposure[] = [];
    const total = area.length + hutch.length;
    const play = (name: string, exposures: readonly Exposure[]) => {
      const player = new DetectorPlayer({
        directory: Buffer.from(join(detectorDirectory, name)),
        pauseMs: PAUSE_MS,
        onFile: (file) => {
          const path = `data/${name}/${pathToText(file.name)}`;
          const { sizeBytes, completedAtMs } = file;
          written.push({ path, isHdf5: isHdf5(path), sizeBytes, completedAtMs });
          this.narrator.moving(`${written.length} of ${total}  ${path}`);
        },
      });
      return player.play(exposures, this.stopping.signal);
    };
    await Promise.all([play('area', area), play('hutch', hutch)]);
    const bytes = written.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const origin = realFiles === undefined ? 'all generated' : `generated, and real ones from ${realFiles}`;
    this.narrator.say(
      `${plural(total, 'file')}, ${formatBytes(bytes)}, in ${formatSeconds((Date.now() - begun) / 1000)} (${origin})`,
    );
    return written;
  }

  private async waitForTheStation(
    client: ApiClient,
    monitors: readonly AcquisitionAnswer[],
    written: readonly WrittenExposure[],
  ): Promise<void> {
    this.narrator.next('The station does the rest');
    const begun = Date.now();
    const readMonitors = () =>
      Promise.all(monitors.map(({ id }) => client.get<AcquisitionAnswer>(apiPath`/acquisitions/${id}`)));
    const settled = await this.wait(readMonitors, (states) => {
      const [done, inTrouble] = [sumOf(states, 'done'), sumOf(states, 'quarantined')];
      this.narrator.moving(`${done} of ${plural(written.length, 'file')} safe`);
      return done + inTrouble >= written.length;
    });
    this.narrator.say(`${plural(sumOf(settled, 'done'), 'file')} safe`);

    const jobsExpected = written.filter(({ isHdf5: isInput }) => isInput).length;
    const readJobs = () => client.allItems<JobAnswer>('/jobs', { experiment: DEMO_EXPERIMENT });
    const jobs = await this.wait(readJobs, (states) => {
      const ended = states.filter(isJobEnded).length;
      this.narrator.moving(`${ended} of ${plural(jobsExpected, 'job')} ended`);
      return ended >= jobsExpected;
    });
    this.narrator.say(`${plural(jobs.filter(({ status }) => status === 'done').length, 'job')} done, results uploaded`);

    await Promise.all(monitors.map(({ id }) => client.post(apiPath`/acquisitions/${id}/stop`)));
    await this.wait(readMonitors, (states) => states.every(isEnded));
    this.narrator.say(`monitors stopped; ${formatSeconds((Date.now() - begun) / 1000)} after the last byte`);
  }

  /** Ends with the last state when the time is over: the checks then say what is missing. */
  private async wait<State>(read: () => Promise<State>, isFinished: (state: State) => boolean): Promise<State> {
    const deadline = this.startedAt + PATIENCE_SECONDS * 1000;
    return waitUntilFinished({
      read,
      isFinished: (state) => isFinished(state) || Date.now() > deadline,
      signal: this.stopping.signal,
    });
  }

  private async finish(station: DemoStation): Promise<void> {
    if (!this.stopping.signal.aborted) {
      this.stopping.abort();
    }
    const isClean = await station.stop();
    const seconds = (Date.now() - this.startedAt) / 1000;
    this.record([
      { name: 'the station stopped cleanly', passed: isClean, detail: isClean ? '' : `see ${station.logFile}` },
      { name: 'all of it took less than two minutes', passed: seconds < LIMIT_SECONDS, detail: formatSeconds(seconds) },
    ]);
  }

  private record(checks: readonly Check[]): void {
    for (const check of checks) {
      this.checks.push(check);
      this.narrator.verdict(check.passed, check.passed ? check.name : `${check.name}\n       ${check.detail}`);
    }
  }
}

function sumOf(states: readonly AcquisitionAnswer[], count: 'done' | 'quarantined'): number {
  return states.reduce((sum, { counts }) => sum + counts[count], 0);
}
