import { LocalLauncher } from '../../../src/processing/launcher/local-launcher.js';
import { launcherContract } from './launcher-contract.js';

launcherContract('processes of this machine', () => new LocalLauncher());
