import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const SOURCE = resolve(import.meta.dirname, 'mongo-ferretdb');
const SOURCE_FILES = ['main.go', 'go.mod', 'go.sum'];
/** The first build fetches about 60 modules and compiles SQLite; later runs find the binary in the cache. */
const BUILD_LIMIT_MS = 600_000;

export type MongoBinary = { kind: 'mongod' | 'ferretdb'; path: string } | { kind: 'none'; reason: string };

/** A `mongod` on the PATH, else FerretDB, built once by the Go toolchain and kept in the user's cache. */
export async function findMongoBinary(): Promise<MongoBinary> {
  if (spawnSync('mongod', ['--version'], { stdio: 'ignore' }).status === 0) {
    return { kind: 'mongod', path: 'mongod' };
  }
  const cached = await cachedBinary();
  try {
    await access(cached);
    return { kind: 'ferretdb', path: cached };
  } catch {
    return build(cached);
  }
}

async function build(target: string): Promise<MongoBinary> {
  const none = 'DM_TEST_MONGO_URL is not set, there is no mongod on the PATH';
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) {
    return { kind: 'none', reason: `${none}, and no Go toolchain to build FerretDB with` };
  }
  console.warn('\nBuilding FerretDB for the tests of the MongoDB catalog; this happens once and takes some minutes.\n');
  await mkdir(join(target, '..'), { recursive: true });
  const work = await mkdtemp(`${target}-build-`);
  try {
    await Promise.all(SOURCE_FILES.map((file) => copyFile(join(SOURCE, file), join(work, file))));
    // go.sum pins the content of every module, so no look-up of checksums is needed on top.
    await promisify(execFile)('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', 'ferretdb', '.'], {
      cwd: work,
      timeout: BUILD_LIMIT_MS,
      env: { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off', CGO_ENABLED: '0' },
    });
    // Renamed when complete: two runs at the same time build twice, and neither sees half a file.
    await rename(join(work, 'ferretdb'), target);
    return { kind: 'ferretdb', path: target };
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    return { kind: 'none', reason: `${none}, and FerretDB cannot be built: ${output.trim().slice(-500)}` };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function cachedBinary(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of SOURCE_FILES) {
    hash.update(await readFile(join(SOURCE, file)));
  }
  const given = process.env['XDG_CACHE_HOME'];
  const cache = given === undefined || given === '' ? join(homedir(), '.cache') : given;
  return join(cache, 'dm-station', `ferretdb-1.24.0-${hash.digest('hex').slice(0, 12)}`);
}
