import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isRunning, processesNaming } from '../support/process-tree.ts';
import { check } from './check/collect.ts';
import type { Finding } from './check/evidence.ts';
import { Detector } from './detector.ts';
import { FAR_HOST, farHostIn } from './far-host.ts';
import { FAULTS, whyNot } from './faults/index.ts';
import { storedCopyDamaged } from './faults/stored-copy.ts';
import type { ChaosOptions } from './options.ts';
import { chaosDirectory, makePlaces } from './places.ts';
import { type FaultKind, type PlannedFault, planOf } from './plan.ts';
import { emptyReport, noteFault, type Report, summaryOf, writeReport } from './report.ts';
import { mongoIn, redisIn, type Server, usualRate } from './servers.ts';
import { settle, SETTLE_SECONDS } from './settling.ts';
import { SupervisedStation } from './supervised-station.ts';
import { Timeline } from './timeline.ts';
import { Traffic } from './traffic.ts';
import type { World } from './world.ts';

/** Mean size of what a detector writes, with room for older versions and for files that are there twice. */
const BYTES_OF_A_FILE = 100_000;
const ROOM_BYTES = 512 * 2 ** 20;
/** However few files the detectors write: faults add large ones of their own. */
const LEAST_BYTES_PER_SECOND = 8_000_000;
/** So many findings are looked into; thousands have one cause. */
const MOST_EXPLAINED = 50;

type Found = Finding & { experiment: string };

/** Files flow while faults strike, round after round; after each all is mended, must settle, and is checked. */
export async function run(options: ChaosOptions): Promise<boolean> {
  const report = emptyReport(options);
  const filesPerSecond = options.filesPerSecond ?? (await usualRate(options.variant));
  const world = await makeWorld(options, filesPerSecond, report);
  const { station, timeline } = world;
  timeline.say(
    `seed ${options.seed}: npm run chaos -- --seed ${options.seed} --minutes ${options.minutes} --variant ${options.variant} --rate ${filesPerSecond} --round ${options.roundSeconds}`,
  );
  const kinds = strikable(world, report);
  await station.start();
  report.servers['postgresql'] = await postgresVersion(station);
  const traffic = new Traffic(world);
  await traffic.start();
  const rounds = Math.max(1, Math.round((options.minutes * 60) / options.roundSeconds));
  const findings: Found[] = [];
  for (const [index, faults] of planOf(options.seed, kinds, rounds, options.roundSeconds).entries()) {
    timeline.say(`round ${index + 1} of ${rounds}: ${faults.length} faults`);
    findings.push(...(await round(world, traffic, faults, options.roundSeconds, report)));
    if (findings.length > 0) {
      break; // what is broken stays broken, and later rounds would only blur its traces
    }
  }
  await explain(world, findings);
  findings.push(...(await end(world, traffic)));
  finish(report, world, findings);
  timeline.say(`written to ${writeReport(report)}`);
  process.stdout.write(summaryOf(report));
  if (!report.hasHeld) {
    keepTraces(world, findings, report);
  }
  return report.hasHeld;
}

async function round(
  world: World,
  traffic: Traffic,
  faults: readonly PlannedFault[],
  seconds: number,
  report: Report,
): Promise<Found[]> {
  const { station, detector, timeline } = world;
  detector.start();
  const begunAt = timeline.now;
  const strikes = faults.map((fault) => strike(world, fault, begunAt, report));
  await Promise.all([...strikes, pause(seconds * 1000)]);
  await detector.stop();
  await Promise.all([world.redis?.start(), world.mongo?.start()]);
  const mendedAt = performance.now();
  timeline.say(`all is mended; ${detector.written} files written so far`);
  await station.up();
  const settled = await settle(world, traffic, mendedAt);
  timeline.say(
    `settled after ${settled.seconds.toFixed(1)} s${settled.open === undefined ? '' : `: NOT, ${settled.open}`}`,
  );
  report.settledSeconds = Math.max(report.settledSeconds, settled.seconds);
  const unrepaired = settled.open === undefined ? await lateFault(world, traffic, report) : [];
  const findings = [...(await check(world, traffic)), ...unrepaired];
  if (settled.open !== undefined || settled.seconds > SETTLE_SECONDS) {
    const detail = `settled after ${settled.seconds.toFixed(1)} s; open: ${settled.open ?? 'nothing'}`;
    findings.push({ experiment: '', breach: 'other', path: '', detail });
  }
  findings.forEach((finding) => timeline.say(`!! ${lineOf(finding)}`));
  timeline.say(`checked: ${findings.length} findings`);
  return findings;
}

async function strike(world: World, fault: PlannedFault, begunAt: number, report: Report): Promise<void> {
  const { timeline } = world;
  await pause(Math.max(0, (begunAt + fault.at - timeline.now) * 1000));
  timeline.say(`${fault.kind} …`);
  const struck = await FAULTS[fault.kind](world, fault);
  timeline.say(`${fault.kind} ${struck > 0 ? 'over' : 'did not strike'}`);
  noteFault(report, fault.kind, struck);
}

/** What happens to copies long after they came; answers what the station did not do about it. */
async function lateFault(world: World, traffic: Traffic, report: Report): Promise<Found[]> {
  const seed = report.seed + world.damaged.size;
  const { struck, what } = await storedCopyDamaged(world, traffic, seed);
  world.timeline.say(`stored-copy-damaged ${struck > 0 ? 'over' : 'did not strike'}`);
  noteFault(report, 'stored-copy-damaged', struck);
  return what.map(other);
}

async function makeWorld(options: ChaosOptions, filesPerSecond: number, report: Report): Promise<World> {
  const bytesPerSecond = Math.max(filesPerSecond * BYTES_OF_A_FILE, LEAST_BYTES_PER_SECOND);
  const places = makePlaces(options.minutes * 60 * bytesPerSecond + ROOM_BYTES);
  const timeline = new Timeline(join(places.folder, 'timeline.log'));
  const absent: World['absent'] = {};
  const [redis, mongo] = await serversOf(options, places.folder, absent);
  for (const one of [redis, mongo]) {
    await one?.start();
    if (one !== undefined) {
      report.servers[one.name] = one.version;
    }
  }
  const sshd = present(await farHostIn(places), 'ssh-cut', absent);
  if (sshd !== undefined) {
    const hosts = { [FAR_HOST]: sshd.host };
    writeFileSync(join(places.data, 'station.yaml'), JSON.stringify({ storage: { hosts } })); // JSON is YAML
  }
  const station = new SupervisedStation(
    places,
    {
      DM_DATA_DIR: places.data,
      DM_HTTP_PORT: '0',
      DM_STORAGE_ROOT: places.storage,
      DM_SOURCE_ROOTS: places.source,
      DM_STORAGE_RESERVE_BYTES: '0',
      DM_QUIET_SECONDS: '0.5',
      DM_DAQ_RESCAN_SECONDS: '2',
      // Many batches: a fault can hit every step of one, and the steps of several at once.
      DM_DAQ_BATCH_FILES: '60',
      DM_LOG_FORMAT: 'json',
      ...(redis === undefined ? {} : { DM_REDIS_URL: redis.url }),
      ...(mongo === undefined ? {} : { DM_MONGO_URL: mongo.url }),
    },
    timeline,
  );
  const detector = new Detector(places.detector, options.seed, filesPerSecond, sshd !== undefined);
  return { places, timeline, station, detector, redis, mongo, sshd, absent, damaged: new Set() };
}

async function serversOf(
  { variant }: ChaosOptions,
  folder: string,
  absent: World['absent'],
): Promise<[Server | undefined, Server | undefined]> {
  const without = `the variant ${variant} has none`;
  const isEmbedded = variant === 'embedded';
  return [
    present(isEmbedded ? without : await redisIn(folder), 'redis-killed', absent),
    present(isEmbedded ? without : await mongoIn(folder), 'mongo-killed', absent),
  ];
}

/** A server that cannot be had is left out, with the fault that strikes it; said by {@link strikable}. */
function present<Found>(found: Found | string, kind: FaultKind, absent: World['absent']): Found | undefined {
  if (typeof found === 'string') {
    absent[kind] = found;
    return undefined;
  }
  return found;
}

/** Kinds that can strike here. Loudly: a table without the fault that one loses to looks good. */
function strikable(world: World, report: Report): FaultKind[] {
  return (Object.keys(FAULTS) as FaultKind[]).filter((kind) => {
    const reason = whyNot(kind, world);
    if (reason !== undefined) {
      report.faultsLeftOut[kind] = reason;
      world.timeline.say(`!!! ${kind} IS LEFT OUT: ${reason}`);
    }
    return reason === undefined;
  });
}

/** Stops everything as an operator would; answers what stayed behind. */
async function end({ station, places, redis, mongo, sshd }: World, traffic: Traffic): Promise<Found[]> {
  await traffic.stop();
  const code = await station.stop();
  await Promise.all([redis?.kill(), mongo?.kill(), sshd?.stop()]);
  const left = new Set([...[...station.everRunning].filter(isRunning), ...processesNaming(`${places.folder}/`)]);
  left.delete(process.pid);
  return [
    ...[...left].map((pid) => other(`process ${pid} was left behind: ${commandOf(pid)}`)),
    ...(code === 0 ? [] : [other(`the station did not stop cleanly: ${code}`)]),
    ...station.surprises.map((surprise) => other(`the station ${surprise}`)),
  ];
}

function other(detail: string): Found {
  return { experiment: '', breach: 'other', path: '', detail };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return 'it has ended meanwhile';
  }
}

/** What the station itself says of each offending file, as `dm file why` shows it. */
async function explain({ station, places }: World, findings: readonly Found[]): Promise<void> {
  const files = findings.filter((finding) => finding.experiment !== '' && !finding.path.startsWith('/'));
  for (const [index, { experiment, path }] of files.slice(0, MOST_EXPLAINED).entries()) {
    const query = new URLSearchParams({ path }).toString();
    const why = await station.ask('GET', `/experiments/${experiment}/why?${query}`).catch(String);
    const text = JSON.stringify({ experiment, path, why }, undefined, 2);
    writeFileSync(join(places.folder, `why-${String(index + 1).padStart(2, '0')}.json`), `${text}\n`);
  }
}

function finish(report: Report, { station, detector }: World, findings: readonly Found[]): void {
  report.files = detector.written;
  report.rewrites = detector.rewritten.size;
  report.stationRestarts = station.starts - 1;
  report.failedStarts = station.failedStarts;
  findings.forEach(({ breach }) => (report[breach] += 1));
}

/** Logs, timeline and reasons outlive the run: whoever looks into a failure has nothing else. */
function keepTraces({ places, timeline }: World, findings: readonly Found[], { seed }: Report): void {
  const target = join(chaosDirectory(), `failure-${seed}`);
  timeline.say(`traces are kept in ${target}`);
  writeFileSync(join(places.folder, 'findings.txt'), `${findings.map(lineOf).join('\n')}\n`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  readdirSync(places.folder)
    .filter((name) => /\.(?:log|txt|json)$/.test(name))
    .forEach((name) => cpSync(join(places.folder, name), join(target, name)));
}

function lineOf({ breach, experiment, path, detail }: Found): string {
  return `${breach.toUpperCase()} ${[experiment, path].filter(Boolean).join(' ')}: ${detail}`;
}

async function postgresVersion(station: SupervisedStation): Promise<string> {
  const [row] = await station.sql<{ server_version: string }>('SHOW server_version');
  return row?.server_version ?? 'unknown';
}
