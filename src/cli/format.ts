/** How numbers and times are shown to people. Machines read `--json`, which has bytes, seconds and RFC 3339 times. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1.5 GB`: powers of 1000, as disks and networks are sold and as the facility reports volumes. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `1 file`, `3,000 files`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `0.25 s`, `1 min 05 s`, `2 h 03 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) {
    return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  }
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** `5 s`, `1 min 05 s`: for estimates, which are no better than that. */
export function formatWholeSeconds(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return whole < 60 ? `${whole} s` : formatSeconds(whole);
}

/** `2026-11-21 08:15:00` in the reader's time zone; the empty text for no time. */
export function formatTime(time: string | null | undefined): string {
  if (time === null || time === undefined) {
    return '';
  }
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) {
    return time;
  }
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Seconds between two times of the station, or '' while the second is still to come. */
export function formatSpan(from: string | null | undefined, to: string | null | undefined): string {
  if (!from || !to) {
    return '';
  }
  return formatSeconds(Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000));
}
