import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';

/**
 * What coreutils' `find` and `md5sum` say of every regular file below a directory: words other than the station's own.
 * Keys hold one character per byte.
 */
export async function digestsBelow(directory: string): Promise<Map<string, string>> {
  const child = spawn('sh', ['-c', 'find . -type f -print0 | xargs -0 -r md5sum -z --'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([buffer(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  if (code !== 0) {
    throw new Error(`md5sum ended with ${code} in ${directory}`);
  }
  const digests = new Map<string, string>();
  for (const line of output.toString('latin1').split('\0')) {
    if (line !== '') {
      // 32 digits, two characters, `./` and the name as it is.
      digests.set(line.slice(34).replace(/^\.\//, ''), line.slice(0, 32));
    }
  }
  return digests;
}
