import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say, SetupError } from './say.mjs';

/** Written into node_modules when an install is complete; an interrupted one has none, and npm removes it first. */
const STAMP = '.dm-installed';

/** Whether the packages are those that package-lock.json asks for. */
export function arePackagesFresh(root) {
  try {
    return readFileSync(join(root, 'node_modules', STAMP), 'utf8') === expectedStamp(root);
  } catch {
    return false;
  }
}

/** Brings node_modules up to date; call it with the set-up's lock held. */
export async function installPackages(root) {
  if (arePackagesFresh(root)) {
    return;
  }
  if (!matchesInstalled(root)) {
    say(
      `${existsSync(join(root, 'node_modules')) ? 'updating' : 'installing'} npm packages, which takes a minute or two …`,
    );
    await npmCi(root);
  }
  writeFileSync(join(root, 'node_modules', STAMP), expectedStamp(root));
}

/** What is asked for, and the machine: a clone on a shared disk may be used from several kinds. */
function expectedStamp(root) {
  const hash = createHash('sha256');
  hash.update(readFileSync(join(root, 'package-lock.json'))).update(JSON.stringify(askedFor(root)));
  return `${hash.digest('hex')} ${process.platform} ${process.arch}\n`;
}

function askedFor(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return [manifest.dependencies, manifest.optionalDependencies, manifest.devDependencies];
}

/** Somebody may have run `npm install` by hand; npm leaves a record of what it put there, as its last step. */
function matchesInstalled(root) {
  try {
    const wanted = readPackages(join(root, 'package-lock.json'));
    const { dependencies, optionalDependencies, devDependencies } = wanted[''];
    if (JSON.stringify([dependencies, optionalDependencies, devDependencies]) !== JSON.stringify(askedFor(root))) {
      return false;
    }
    const found = readPackages(join(root, 'node_modules', '.package-lock.json'));
    return Object.entries(wanted).every(([path, entry]) => {
      const isThere = found[path]?.version === entry.version && existsSync(join(root, path, 'package.json'));
      return path === '' || isThere || (entry.optional === true && !isForThisMachine(entry));
    });
  } catch {
    return false;
  }
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/** Of the optional packages only those that name this kind of machine are missed: the others, and what they need, are not for us. */
function isForThisMachine({ os, cpu, libc }) {
  const fits = (list, own) => list === undefined || [list].flat().includes(own);
  const isMusl = process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
  return (
    os !== undefined && fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, isMusl ? 'musl' : 'glibc')
  );
}

// Whatever the user's npm is set to: we need the tools to build (dev) and the platform's binaries (optional). What npm
// has to say about the engine that it runs on itself is left out, since the station gets its own Node.js.
const COMPLETE = ['--include=dev', '--include=optional', '--no-engine-strict'];
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];

async function npmCi(root) {
  let command = ['ci'];
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await npm(root, [...command, ...COMPLETE, ...QUIET]);
    if (outcome.code === 0) {
      return;
    }
    if (command[0] === 'ci' && outcome.output.includes('EUSAGE')) {
      // In the middle of a change of dependencies, or where the registry does not offer what the lock file was made with.
      say('package-lock.json does not fit package.json here; installing what package.json asks for …');
      command = ['install', '--no-save'];
      continue;
    }
    const isNetwork = /ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|ERR_SOCKET|EINTEGRITY|50\d /.test(outcome.output);
    if (attempt >= 3 || !isNetwork) {
      throw new SetupError(`npm ${command[0]} failed:\n${outcome.output.trim()}`);
    }
    say('the network failed npm; trying again …');
  }
}

/** @returns {Promise<{ code: number, output: string }>} of an npm command run in `cwd` */
export async function npm(cwd, args) {
  const script = process.env.npm_execpath;
  const [command, ...first] = script?.endsWith('.js') === true ? [process.execPath, script] : ['npm'];
  return new Promise((resolve) => {
    const child = spawn(command, [...first, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: npmEnvironment(),
    });
    let output = '';
    const collect = (chunk) => (output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** `npm run` hands its own state on in the environment; of that only what the user configured may reach another npm. */
function npmEnvironment() {
  const own = /^npm_(?:lifecycle|package|command|node_execpath)|^INIT_CWD$|^NODE_ENV$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
