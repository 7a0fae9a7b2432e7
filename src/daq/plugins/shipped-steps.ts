import { METADATA_READER } from './metadata-reader/metadata-reader.js';
import type { ShippedStep } from './shipped-step.js';

export const SHIPPED_STEPS: readonly ShippedStep[] = [METADATA_READER];
