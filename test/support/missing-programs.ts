import { spawnSync } from 'node:child_process';

/** Those of the programs that are not on the PATH (nor in the folders of servers, which users often have not on it). */
export function missingPrograms(...programs: readonly string[]): string[] {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  return programs.filter((program) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { env }).status !== 0);
}
