import { METADATA_READER } from './metadata-reader/metadata-reader.js';
import { CHECKSUM_MANIFEST } from './checksum-manifest/checksum-manifest.js';
import type { ShippedStep } from './shipped-step.js';
import { WEBHOOK } from './webhook/webhook.js';

export const SHIPPED_STEPS: readonly ShippedStep[] = [METADATA_READER, CHECKSUM_MANIFEST, WEBHOOK];
