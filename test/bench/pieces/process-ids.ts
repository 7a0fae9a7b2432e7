/** The process id in a name such as `dm-bench-4711-x1y2z3`; undefined when the name has another form. */
export function ownerOf(name: string, prefix: string): number | undefined {
  const digits = name.startsWith(prefix) ? /^\d+/.exec(name.slice(prefix.length))?.[0] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
