import { readFileSync } from 'node:fs';
import { driverCode, messageOf } from '../../kernel/errors.js';
import type { WatchTrouble } from './source-tree.port.js';

/** The kernel's limits on inotify, per user, from /proc/sys/fs/inotify. */
export interface WatchLimits {
  /** Watches of all programs of the user together; a watch is one directory. */
  maxUserWatches: number;
  maxUserInstances: number;
  /** Events that wait for one program; those beyond are lost. */
  maxQueuedEvents: number;
}

/** Share of the user's watches that the station takes at most: other programs of the account need some, too. */
const SHARE = 0.9;

export function readWatchLimits(folder = '/proc/sys/fs/inotify'): WatchLimits {
  return {
    maxUserWatches: numberIn(`${folder}/max_user_watches`),
    maxUserInstances: numberIn(`${folder}/max_user_instances`),
    maxQueuedEvents: numberIn(`${folder}/max_queued_events`),
  };
}

/** Directories that may be watched. */
export function watchesAllowed(limits: WatchLimits): number {
  return Math.floor(limits.maxUserWatches * SHARE);
}

/** Without the file there is no inotify to be limited. */
function numberIn(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8').trim());
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

const NOTHING_LOST = 'Nothing is lost: the rescan finds every file, only later than an event would.';

/** What the limits mean for the station; `action` is null where they are no matter. */
export function describeLimits(limits: WatchLimits, allowed: number): { message: string; action: string | null } {
  if (limits.maxUserWatches === Number.POSITIVE_INFINITY) {
    return { message: `up to ${allowed} directories are watched; the kernel tells of no limit`, action: null };
  }
  const isSmall = watchesAllowed(limits) === allowed;
  return {
    message: `up to ${allowed} directories are watched (fs.inotify.max_user_watches = ${limits.maxUserWatches}, max_user_instances = ${limits.maxUserInstances}, max_queued_events = ${limits.maxQueuedEvents})`,
    action: isSmall
      ? `If sources have more: sysctl -w fs.inotify.max_user_watches=${advised(limits.maxUserWatches)}, and the same in /etc/sysctl.d.`
      : null,
  };
}

/** Too few watches for the directories that the tree has. */
export function tooManyDirectories(needed: number, allowed: number, limits: WatchLimits): WatchTrouble {
  return {
    kind: 'limit',
    message: `${needed} directories want a watch, and the kernel's limit for this account leaves ${allowed} (fs.inotify.max_user_watches = ${limits.maxUserWatches})`,
    action: `${NOTHING_LOST} For quicker detection: sysctl -w fs.inotify.max_user_watches=${advised(needed)}, and the same in /etc/sysctl.d.`,
  };
}

/** The station's own bound, so that a huge tree does not eat its memory. */
export function tooManyForStation(needed: number, most: number): WatchTrouble {
  return {
    kind: 'limit',
    message: `${needed} directories want a watch, and the station watches ${most} at most`,
    action: `${NOTHING_LOST} Acquisitions over smaller directories are told of files sooner.`,
  };
}

/** What a refused watch means. The kernel's words for it mislead: "no space left on device" is no full disk. */
export function troubleOf(error: unknown, needed: number, limits: WatchLimits): WatchTrouble {
  switch (driverCode(error)) {
    case 'ENOSPC':
      return tooManyDirectories(needed, 0, limits);
    case 'EMFILE':
      return {
        kind: 'limit',
        message: `no further inotify instance may be opened for this account (fs.inotify.max_user_instances = ${limits.maxUserInstances}), or the station has too many open files`,
        action: `${NOTHING_LOST} For quicker detection: sysctl -w fs.inotify.max_user_instances=${advised(limits.maxUserInstances)}, or raise LimitNOFILE of the service.`,
      };
    default:
      return {
        kind: 'other',
        message: `watching failed: ${messageOf(error)}`,
        action: `${NOTHING_LOST} If it stays, look at the file system and at the station's log.`,
      };
  }
}

/** The next power of two above twice what is needed. */
function advised(needed: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(65_536, needed * 2)));
}
