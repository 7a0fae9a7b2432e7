import type { OnApplicationShutdown } from '@nestjs/common';
import type { StationConfig } from '../../platform/config/index.js';
import type { Database } from '../../platform/database/index.js';
import type { FilePlugin } from '../pipeline/file-plugin.port.js';
import { loadBeamlineSteps } from './beamline/load-beamline-steps.js';
import { CountedPlugin } from './counted-plugin.js';
import { DisabledPlugin } from './disabled-plugin.js';
import type { FileMetadataRecorder } from './file-metadata.js';
import { GRACE_MS, GuardedPlugin } from './guarded-plugin.js';
import { pluginInvalid, pluginsMisconfigured } from './plugin-faults.js';
import { PluginLanes } from './plugin-lanes.js';
import { type PluginCounts, PluginRecord } from './plugin-record.js';
import type { PluginMetrics } from './plugin.metrics.js';
import { type OnError, type PluginSettings, settingsOf } from './plugin-settings.js';
import type { PluginStep } from './plugin-step.js';
import { SHIPPED_STEPS } from './shipped-steps.js';

/** Steps without which no file is `done`; nothing of them can be configured. */
const FIXED = ['transfer', 'directory', 'catalog'];

export interface PluginSetParts {
  config: StationConfig;
  database: Database;
  /** The station's own, which answer outcomes themselves. */
  core: readonly FilePlugin[];
  recorder: FileMetadataRecorder;
  metrics: PluginMetrics;
}

/** A plug-in as people see it. */
export interface PluginView extends PluginCounts {
  name: string;
  order: number;
  /** `station`: comes with the station; `beamline`: a module of `daq.pluginDirectory`. */
  origin: 'station' | 'beamline';
  enabled: boolean;
  /** Whether a call takes one file or a batch. */
  form: 'file' | 'batch';
  /** Null where the plug-in decides by itself: transfer, catalog, workflow. */
  onError: OnError | null;
  timeoutSeconds: number | null;
  concurrency: number | null;
  /** When it is tried again after it did not answer; null while it works. */
  restsUntil: string | null;
}

interface Member {
  plugin: FilePlugin;
  origin: PluginView['origin'];
  isEnabled: boolean;
  record: PluginRecord;
  /** Of guarded ones. */
  guarded?: { plugin: GuardedPlugin; step: PluginStep; settings: PluginSettings };
  /** For messages. */
  from: string;
}

/** All plug-ins of this station, as the configuration wants them. */
export class PluginSet implements OnApplicationShutdown {
  private constructor(private readonly members: readonly Member[]) {}

  /** @throws StationError PLUGIN_INVALID, PLUGINS_MISCONFIGURED, PLUGIN_OPTIONS_INVALID */
  static async assemble(parts: PluginSetParts): Promise<PluginSet> {
    const members = [...coreMembers(parts), ...(await optionalMembers(parts))];
    const set = new PluginSet(members);
    try {
      requireDistinct(members);
      requireKnown(members, parts.config);
    } catch (error) {
      await set.onApplicationShutdown();
      throw error;
    }
    return set;
  }

  get plugins(): readonly FilePlugin[] {
    return this.members.map(({ plugin }) => plugin);
  }

  /** In the order in which files pass them. */
  views(): PluginView[] {
    return this.members.map(viewOf).sort((a, b) => a.order - b.order);
  }

  /** Grows whenever a file passes a plug-in: the pulse of the pipeline. */
  get steps(): number {
    return this.members.reduce((sum, { record }) => {
      const { passed, warned } = record.view();
      return sum + passed + warned;
    }, 0);
  }

  /** Bytes of files that a plug-in of the station has in hand just now; large ones take their time. */
  get bytesInWork(): bigint {
    return this.members.reduce((sum, { record }) => sum + record.bytesInWork, 0n);
  }

  /** Plug-ins that do not answer, with since when (ms) and what they said last. */
  failing(): { name: string; onError: OnError; sinceMs: number; message: string }[] {
    return this.members.flatMap(({ guarded, record }) => {
      const sinceMs = guarded?.plugin.failingSinceMs ?? null;
      return guarded === undefined || sinceMs === null
        ? []
        : [
            {
              name: guarded.plugin.name,
              onError: guarded.settings.onError,
              sinceMs,
              message: record.view().lastError?.message ?? 'it does not answer',
            },
          ];
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.members.map(async ({ guarded }) => guarded?.step.close?.()));
  }
}

function coreMembers({ core, config, metrics }: PluginSetParts): Member[] {
  return core.map((plugin) => {
    const given = config.daq.plugins[plugin.name];
    const allowed = FIXED.includes(plugin.name) ? [] : ['enabled', 'order'];
    const refused = Object.keys(given ?? {}).find((key) => !allowed.includes(key));
    if (refused !== undefined) {
      throw pluginsMisconfigured(
        `${plugin.name}.${refused} cannot be set: ${allowed.length === 0 ? 'no file is done without this step' : `only ${allowed.join(' and ')} can`}`,
      );
    }
    const isEnabled = given?.enabled ?? true;
    const order = given?.order ?? plugin.order;
    const record = new PluginRecord(plugin.name, metrics);
    return {
      plugin: isEnabled ? new CountedPlugin(plugin, order, record) : new DisabledPlugin(plugin.name, order),
      origin: 'station',
      isEnabled,
      record,
      from: 'the station',
    };
  });
}

async function optionalMembers(parts: PluginSetParts): Promise<Member[]> {
  const { config, metrics, recorder } = parts;
  // Of all batches that are worked on at once, half may be inside optional plug-ins; the others copy.
  const lanes = new PluginLanes(Math.max(1, Math.floor((config.storage.workers + 3) / 2)));
  const guard = (step: PluginStep, settings: PluginSettings, origin: Member['origin'], from: string): Member => {
    const record = new PluginRecord(step.name, metrics);
    const common = { origin, isEnabled: settings.enabled, record, from };
    if (!settings.enabled) {
      return { ...common, plugin: new DisabledPlugin(step.name, settings.order) };
    }
    const maxAttempts = config.daq.maxAttempts;
    const plugin = new GuardedPlugin(step, settings, {
      lanes,
      recorder,
      record,
      maxAttempts,
      graceMs: GRACE_MS,
      now: Date.now,
    });
    return { ...common, plugin, guarded: { plugin, step, settings } };
  };
  const shipped: Member[] = [];
  for (const { name, defaults, make } of SHIPPED_STEPS) {
    const given = config.daq.plugins[name];
    const settings = settingsOf({ ...defaults, enabled: given !== undefined }, given);
    shipped.push(
      settings.enabled
        ? guard(await make(settings, parts), settings, 'station', 'the station')
        : offMember(name, settings, metrics),
    );
  }
  const loaded = await loadBeamlineSteps(config.daq);
  return [...shipped, ...loaded.map(({ step, settings, file }) => guard(step, settings, 'beamline', file))];
}

function offMember(name: string, { order }: PluginSettings, metrics: PluginMetrics): Member {
  return {
    plugin: new DisabledPlugin(name, order),
    origin: 'station',
    isEnabled: false,
    record: new PluginRecord(name, metrics),
    from: 'the station',
  };
}

/** Names always, orders among those that run. */
function requireDistinct(members: readonly Member[]): void {
  members.forEach((member, at) => {
    const { name, order } = member.plugin;
    const twin = members
      .slice(0, at)
      .find(
        (other) => other.plugin.name === name || (other.plugin.order === order && other.isEnabled && member.isEnabled),
      );
    if (twin !== undefined) {
      throw pluginInvalid(
        member.from,
        `name and order must be its own; ${twin.plugin.name} has order ${twin.plugin.order} already (set another one with daq.plugins.${name}.order)`,
      );
    }
  });
}

/** A setting for a plug-in that does not exist would be silently without effect. */
function requireKnown(members: readonly Member[], config: StationConfig): void {
  const names = members.map(({ plugin }) => plugin.name);
  const unknown = Object.keys(config.daq.plugins).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw pluginsMisconfigured(`there is no plug-in ${unknown}; there are ${names.join(', ')}`);
  }
}

function viewOf({ plugin, origin, isEnabled, record, guarded }: Member): PluginView {
  return {
    name: plugin.name,
    order: plugin.order,
    origin,
    enabled: isEnabled,
    form: guarded?.step.form ?? 'batch',
    onError: guarded?.settings.onError ?? null,
    timeoutSeconds: guarded?.settings.timeoutSeconds ?? null,
    concurrency: guarded?.settings.concurrency ?? null,
    restsUntil: guarded?.plugin.restsUntil?.toISOString() ?? null,
    ...record.view(),
  };
}
