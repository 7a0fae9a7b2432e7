import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';

/** MD5 by path relative to the root. Keys hold one character per byte, so that any name is a key. */
export type Digests = Map<string, string>;

/** What coreutils' `md5sum` says of every regular file below `directory`: a word other than the station's own. */
export async function md5sumOfTree(directory: string): Promise<Digests> {
  const output = await run('sh', ['-c', 'find . -type f -print0 | xargs -0 -r md5sum -z --'], directory);
  const digests: Digests = new Map();
  for (const line of output.toString('latin1').split('\0')) {
    // `-z` keeps names as they are: 32 digits, two characters, the name.
    if (line !== '') {
      digests.set(line.slice(34).replace(/^\.\//, ''), line.slice(0, 32));
    }
  }
  return digests;
}

async function run(command: string, args: string[], cwd: string): Promise<Buffer> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([buffer(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  if (code !== 0) {
    throw new Error(`${command} ended with ${code} in ${cwd}`);
  }
  return output;
}
