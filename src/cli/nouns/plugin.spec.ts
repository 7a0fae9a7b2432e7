import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedCli } from '../../../test/support/scripted-cli.js';
import { page } from '../../../test/support/scripted-station.js';
import { EXIT } from '../exit-codes.js';

const plugin = {
  name: 'webhook',
  order: 400,
  origin: 'station',
  enabled: true,
  form: 'batch',
  onError: 'retry',
  timeoutSeconds: 20,
  concurrency: 1,
  restsUntil: null,
  calls: 12,
  passed: 9,
  warned: 1,
  failed: 2,
  waited: 3,
  lastError: { at: '2026-03-01T03:00:00.000Z', path: 'data/a\\x0ab.h5', message: 'Plug-in webhook: ECONNREFUSED' },
};

describe('dm plugin list', () => {
  let cli: ScriptedCli;

  beforeEach(async () => {
    cli = await ScriptedCli.start();
  });
  afterEach(() => cli.stop());

  it('shows policy, counts and the last error of each', async () => {
    const off = { ...plugin, name: 'notify-hutch', origin: 'beamline', enabled: false, lastError: null };
    cli.station.on('GET /api/v1/plugins', page(plugin, off));
    const { exitCode, stdout } = await cli.run(['plugin', 'list']);
    expect(exitCode).toBe(EXIT.ok);
    const lines = stdout.split('\n');
    expect(lines.find((line) => line.includes('webhook'))).toMatch(/400.*on.*retry.*20 s.*12.*9.*1.*2.*ECONNREFUSED/);
    expect(lines.find((line) => line.includes('notify-hutch (own)'))).toContain('off');
  });

  it('says when one is left alone', async () => {
    cli.station.on('GET /api/v1/plugins', page({ ...plugin, restsUntil: '2026-03-01T03:00:05.000Z' }));
    expect((await cli.run(['plugin', 'list'])).stdout).toContain('rests until');
  });
});
