#!/usr/bin/env node
/**
 * What every npm script of this project runs first. It has no dependencies and runs on Node 20, so it works as the first
 * command ever typed in a fresh clone: it installs the packages, finds or brings Node 24, builds, and then runs what was
 * asked for. When all is in place it takes well under a second.
 *
 *   node src/tools/bootstrap.mjs start|demo|test|check|bench|chaos|dm|build|install-cli [arguments]
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, isBuildFresh } from './setup/build.mjs';
import { runChecks } from './setup/check.mjs';
import { ensureProgram } from './setup/debian-packages.mjs';
import { installCli } from './setup/install-cli.mjs';
import { arePackagesFresh, installPackages } from './setup/install-packages.mjs';
import { stationNode } from './setup/node-runtime.mjs';
import { runProgram } from './setup/run-program.mjs';
import { SetupError } from './setup/say.mjs';
import { withSetupLock } from './setup/setup-lock.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Where the person is, also when npm has changed into the clone. */
const callersDirectory = process.env.INIT_CWD ?? process.cwd();

/** A program of the build, or of the tests (Node 24 runs TypeScript as it is). */
const program = (path, options) => (node, args) =>
  runProgram(node, ['--enable-source-maps', resolve(root, path), ...args], options);

const COMMANDS = {
  start: { build: true, run: program('dist/src/main.js') },
  demo: { build: true, run: program('dist/src/tools/demo/main.js', { cwd: root }) },
  dm: { build: true, run: program('dist/src/cli.js', { cwd: callersDirectory }) },
  bench: {
    build: true,
    programs: [
      ['rsync', 'rsync', 'a peer to compare with'],
      ['rclone', 'rclone', 'a peer to compare with'],
    ],
    run: program('test/bench/main.ts', { cwd: root }),
  },
  chaos: { build: true, run: program('test/chaos/main.ts', { cwd: root }) },
  test: {
    build: true,
    programs: [
      ...(process.env.DM_TEST_REDIS_URL ? [] : [['redis-server', 'redis-server', 'to test the queue on Redis']]),
      ['ssh', 'openssh-client', 'to test remote hosts'],
      ['sshd', 'openssh-server', 'to test remote hosts'],
      ['rsync', 'rsync', 'to test transfers by rsync'],
      ['setfacl', 'acl', 'to test access control lists'],
      ['globus-url-copy', 'globus-gass-copy-progs', 'to test transfers by GridFTP'],
      ['globus-gridftp-server', 'globus-gridftp-server-progs', 'to test transfers by GridFTP'],
    ],
    run: (node, args) =>
      runProgram(
        node,
        [resolve(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', 'test/vitest.config.ts', ...args],
        { cwd: root },
      ),
  },
  check: { build: false, run: (node) => runChecks(root, node) },
  build: { build: true, run: () => 0 },
  'install-cli': { build: true, run: (_node, args) => installCli(root, args, callersDirectory) },
};

async function main([name, ...args]) {
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new SetupError(`Usage: node src/tools/bootstrap.mjs ${Object.keys(COMMANDS).join('|')} [arguments]`, 2);
  }
  if (!arePackagesFresh(root) || (command.build && !isBuildFresh(root))) {
    await withSetupLock(root, async () => {
      await installPackages(root);
      if (command.build) {
        build(root, stationNode());
      }
    });
  }
  (command.programs ?? []).forEach((wanted) => ensureProgram(...wanted));
  return command.run(stationNode(), args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) {
    throw error;
  }
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
