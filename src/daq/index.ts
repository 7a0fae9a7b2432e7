export { DaqModule } from './daq.module.js';
export { daqConfigSchema, type DaqConfig } from './daq.config.js';
