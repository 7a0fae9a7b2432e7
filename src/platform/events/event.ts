/** A fact that a module announces, in the past tense (`experiment.created`). `data` never holds secrets. */
export interface NewEvent {
  type: string;
  /** Who may see it: members of this experiment; absent means station staff only. */
  experimentId?: number | null;
  /** What it is about, for people: an id or a path in its text form. */
  subject?: string | null;
  data: Record<string, unknown>;
}

export interface StationEvent {
  /** Place in the feed; grows without going back, gaps are possible. */
  id: number;
  at: Date;
  type: string;
  experimentId: number | null;
  subject: string | null;
  data: Record<string, unknown>;
}
