import 'reflect-metadata';
import { messageOf, StationError } from './kernel/errors.js';
import { greeting } from './station/greeting.js';
import { limitHeapGrowth } from './station/heap-growth.js';
import { loadStationConfig } from './station/station-config.js';
import { type RunningStation, startStation } from './station/start-station.js';

const USAGE = `usage: dm-station [start]          run the station (default)
       dm-station config check    validate the configuration and show it`;

const [command = 'start', ...rest] = process.argv.slice(2);

if (command === 'start' && rest.length === 0) {
  await runStation();
} else if (command === 'config' && rest[0] === 'check') {
  await checkConfig();
} else {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 2;
}

async function runStation(): Promise<void> {
  try {
    limitHeapGrowth();
    const config = loadStationConfig(process.env, process.cwd());
    const starting = startStation(config, { log: say, onFatal: (message) => void fatal(message) });
    stopOnSignals(starting);
    const station = await starting;
    process.stdout.write(greeting(config, station, process.stdout.isTTY));
  } catch (error) {
    fail(error);
  }
}

async function checkConfig(): Promise<void> {
  try {
    const { describeConfig } = await import('./station/greeting.js');
    process.stdout.write(describeConfig(loadStationConfig(process.env, process.cwd())));
  } catch (error) {
    fail(error);
  }
}

/** From the first moment on: a signal in the middle of the start is obeyed when the start can be undone cleanly. */
function stopOnSignals(starting: Promise<RunningStation>): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      say(`${signal} again: still finishing what is under way`);
      return;
    }
    stopping = true;
    say(`${signal}: stopping; files under way are finished first`);
    starting
      .then((station) => station.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', stop);
}

function fatal(message: string): void {
  process.stderr.write(`dm-station: ${message}; this station stops at once\n`);
  process.exit(75);
}

function say(message: string): void {
  process.stderr.write(`dm-station: ${message}\n`);
}

function fail(error: unknown): void {
  const code = error instanceof StationError ? ` [${error.code}]` : '';
  process.stderr.write(`dm-station: ${messageOf(error)}${code}\n`);
  if (!(error instanceof StationError) && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
  }
  process.exit(1);
}
