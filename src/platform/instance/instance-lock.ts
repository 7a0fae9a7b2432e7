import type { Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { StationError } from '../../kernel/errors.js';
import { HolderFile } from './holder-file.js';
import { describeHolder, ownFacts, type InstanceFacts } from './instance-facts.js';
import { ask, listen, removeStale, socketAddress } from './instance-socket.js';

/** The right to use a data directory, held by one process at a time. */
export interface InstanceLock {
  /** What a second starter is told about us. */
  readonly facts: InstanceFacts;
  /** Adds what became known later, such as the URL. */
  update(facts: Partial<InstanceFacts>): Promise<void>;
  /** Gives the directory free; safe to call twice. The end of the process, however it comes, does the same. */
  release(): Promise<void>;
}

/** A station that was just told to stop, or whose starter was just killed, deserves this long before we refuse. */
const PATIENCE_MS = 2_000;
/** One that says that it is stopping gets as long as a clean stop may take. */
const STOPPING_PATIENCE_MS = 45_000;

/**
 * Takes the data directory for this process. It must exist.
 *
 * @throws StationError conflict `STATION_ALREADY_RUNNING` that names the holder.
 */
export async function acquireInstance(
  dataDirectory: string,
  given: Partial<InstanceFacts> = {},
): Promise<InstanceLock> {
  let facts: InstanceFacts = { ...ownFacts(), ...given };
  const file = new HolderFile(dataDirectory);
  const server = await bind(dataDirectory, file, () => facts);
  const elsewhere = await file.livingHolderElsewhere();
  if (elsewhere !== undefined) {
    server.close();
    throw alreadyRunning(dataDirectory, elsewhere);
  }
  try {
    await file.write(facts);
  } catch (error) {
    server.close();
    throw error;
  }
  let isHeld = true;
  return {
    get facts() {
      return facts;
    },
    update: async (changes) => {
      facts = { ...facts, ...changes };
      if (isHeld) {
        await file.write(facts);
      }
    },
    release: async () => {
      if (isHeld) {
        isHeld = false;
        await file.remove();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function bind(dataDirectory: string, file: HolderFile, facts: () => InstanceFacts): Promise<Server> {
  const address = await socketAddress(dataDirectory);
  const started = Date.now();
  for (;;) {
    const server = await listen(address, facts);
    if (server !== undefined) {
      return server;
    }
    const answer = await ask(address);
    const holder = typeof answer === 'string' ? await file.read() : answer;
    if (answer === 'gone') {
      removeStale(address);
    }
    if (Date.now() - started > (holder?.isStopping === true ? STOPPING_PATIENCE_MS : PATIENCE_MS)) {
      throw alreadyRunning(dataDirectory, holder);
    }
    await pause(100);
  }
}

function alreadyRunning(dataDirectory: string, holder: InstanceFacts | undefined): StationError {
  return new StationError(
    'conflict',
    'STATION_ALREADY_RUNNING',
    `The data directory ${dataDirectory} is in use by ${describeHolder(holder)}. Stop that one first, or name another directory in DM_DATA_DIR.`,
    { details: { dataDirectory, ...(holder === undefined ? {} : { holder: publicFacts(holder) }) } },
  );
}

function publicFacts({ pid, host, url, since }: InstanceFacts): InstanceFacts {
  return { pid, host, url, since };
}
