import { LocalTransferEngine } from '../../../src/storage/local/local-transfer-engine.js';
import { transferEngineContract } from './transfer-engine.suite.js';

transferEngineContract('local', () => new LocalTransferEngine(2));
