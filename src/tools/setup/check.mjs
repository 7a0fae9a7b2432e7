import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** What `npm run check` runs: types, lint, borders between modules, layout. */
const CHECKS = [
  { name: 'types', args: ['typescript/bin/tsc', '--noEmit', '-p', 'test/tsconfig.json'] },
  {
    name: 'lint',
    args: [
      'eslint/bin/eslint.js',
      '.',
      '--max-warnings=-1',
      '--cache',
      '--cache-location',
      'node_modules/.cache/eslint/',
    ],
  },
  { name: 'borders', args: ['dependency-cruiser/bin/dependency-cruiser.mjs', 'src', 'migrations', 'test'] },
  { name: 'layout', args: ['prettier/bin/prettier.cjs', '--check', '--log-level=warn', '--cache', '.'] },
];

/** Runs all checks, two at a time, and tells all of what they found. @returns {Promise<number>} exit code */
export async function runChecks(root, node) {
  const waiting = [...CHECKS];
  let failures = 0;
  const work = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const started = Date.now();
      const { code, output } = await runTool(root, node, check.args);
      failures += code === 0 ? 0 : 1;
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${check.name} (${seconds} s)\n`);
      if (output.trim() !== '' && (code !== 0 || check.name === 'lint')) {
        process.stdout.write(`${output.trim()}\n`);
      }
    }
  };
  await Promise.all([work(), work()]);
  return failures === 0 ? 0 : 1;
}

async function runTool(root, node, [script, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [join(root, 'node_modules', script), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk) => (output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
