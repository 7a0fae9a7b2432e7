interface Sample {
  atMs: number;
  value: number;
}

/** Fewer say nothing about a direction. */
const LEAST_SAMPLES = 6;

/** What a quantity has done over the last while. Samples that are older than the span are forgotten, but for one. */
export class Trend {
  private readonly samples: Sample[] = [];

  constructor(private readonly spanMs: number) {}

  add(atMs: number, value: number): void {
    this.samples.push({ atMs, value });
    // The one before the span is kept: with it the samples reach over all of it.
    while ((this.samples[1]?.atMs ?? Infinity) <= atMs - this.spanMs) {
      this.samples.shift();
    }
  }

  /** Whether the samples reach over the whole span. */
  get isFull(): boolean {
    const [first] = this.samples;
    const last = this.samples.at(-1);
    return first !== undefined && last !== undefined && last.atMs - first.atMs >= this.spanMs;
  }

  /** From the first sample to the last. */
  get growth(): number {
    return (this.samples.at(-1)?.value ?? 0) - (this.samples[0]?.value ?? 0);
  }

  /** Change in a second, from the first sample to the last; 0 with less than two. */
  get perSecond(): number {
    const milliseconds = (this.samples.at(-1)?.atMs ?? 0) - (this.samples[0]?.atMs ?? 0);
    return milliseconds === 0 ? 0 : (this.growth * 1000) / milliseconds;
  }

  /** It goes up all along, not only at one moment: the mean of each third is above the one before. */
  get isRising(): boolean {
    const [one = NaN, two = NaN, three = NaN] = this.thirds();
    return one < two && two < three;
  }

  /** The same, downwards. */
  get isFalling(): boolean {
    const [one = NaN, two = NaN, three = NaN] = this.thirds();
    return one > two && two > three;
  }

  private thirds(): number[] {
    const [first] = this.samples;
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || this.samples.length < LEAST_SAMPLES) {
      return [];
    }
    const third = (last.atMs - first.atMs) / 3;
    return [0, 1, 2].map((at) => {
      const from = first.atMs + at * third;
      const part = this.samples.filter(({ atMs }) => atMs >= from && (at === 2 || atMs < from + third));
      return part.reduce((sum, { value }) => sum + value, 0) / part.length;
    });
  }
}
