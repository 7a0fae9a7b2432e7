import type { PlatformConfig } from './platform-sections.js';

/**
 * The validated configuration of this station. The platform declares its own sections; each business module adds its
 * section by declaration merging in its `*.config.ts`, next to the schema that validates it.
 */
export interface StationConfig extends PlatformConfig {}

/** Injection token of the frozen {@link StationConfig}. */
export const CONFIG = Symbol('StationConfig');
