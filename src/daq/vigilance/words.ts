const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1.5 GB`; for sentences that people read. */
export function inBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toPrecision(3)} ${UNITS[unit]}`;
}

/** `3 h`, `12 min`, `40 s`; roughly. */
export function inTime(seconds: number): string {
  if (seconds >= 2 * 86_400) {
    return `${Math.round(seconds / 86_400)} days`;
  }
  if (seconds >= 2 * 3600) {
    return `${Math.round(seconds / 3600)} h`;
  }
  return seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds)} s`;
}
