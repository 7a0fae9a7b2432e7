import { z } from 'zod';

/** When the station calls a person although no single file has failed. */
export const vigilanceConfigSchema = z.strictObject({
  /** Pause between two looks, in seconds. */
  lookSeconds: z.number().min(0.2).max(3600).default(15),
  /**
   * A running monitor to which nothing has come for so long, in seconds. Without it only acquisitions that were started
   * with `silenceAlarmSeconds` are watched: most beamlines know no pace that holds for all.
   */
  silenceSeconds: z.number().positive().max(31_536_000).optional(),
  /** Files wait and none has passed a step for so long, in seconds. */
  stuckSeconds: z.number().min(1).max(86_400).default(300),
  /** The backlog of an acquisition has grown all through this time, in seconds. */
  backlogSeconds: z.number().min(1).max(86_400).default(600),
  /** A disk that will be full within this time at its present pace, in seconds. */
  diskFullSeconds: z.number().min(1).max(2_592_000).default(14_400),
  /** The pace of a disk is taken over this time, in seconds. */
  diskPaceSeconds: z.number().min(1).max(86_400).default(600),
});

export type VigilanceConfig = z.infer<typeof vigilanceConfigSchema>;
