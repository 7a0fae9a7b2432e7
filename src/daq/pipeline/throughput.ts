/** Rates are averages over this long; shorter jumps, longer lags. */
const WINDOW_SECONDS = 30;

interface Second {
  at: number;
  files: number;
  bytes: number;
}

export interface Rate {
  filesPerSecond: number;
  bytesPerSecond: number;
}

/** How fast the files of each acquisition become done, from what this run of the station has done of late. */
export class Throughput {
  private readonly seconds = new Map<string, Second[]>();

  note(acquisitionId: string, files: number, bytes: number, nowMs = Date.now()): void {
    const at = Math.floor(nowMs / 1000);
    const seconds = recent(this.seconds.get(acquisitionId) ?? [], at);
    const last = seconds.at(-1);
    if (last?.at === at) {
      last.files += files;
      last.bytes += bytes;
    } else {
      seconds.push({ at, files, bytes });
    }
    this.seconds.set(acquisitionId, seconds);
  }

  /** Null when nothing was done within the window. */
  of(acquisitionId: string, nowMs = Date.now()): Rate | null {
    const at = Math.floor(nowMs / 1000);
    const seconds = recent(this.seconds.get(acquisitionId) ?? [], at);
    const [first] = seconds;
    if (first === undefined) {
      this.seconds.delete(acquisitionId);
      return null;
    }
    const span = at - first.at + 1;
    const sum = (pick: (second: Second) => number) => seconds.reduce((total, second) => total + pick(second), 0);
    return { filesPerSecond: sum(({ files }) => files) / span, bytesPerSecond: sum(({ bytes }) => bytes) / span };
  }
}

function recent(seconds: readonly Second[], now: number): Second[] {
  return seconds.filter(({ at }) => at > now - WINDOW_SECONDS);
}
