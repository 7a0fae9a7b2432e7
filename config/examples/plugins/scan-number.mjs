/**
 * An example to start from: finds the scan and image numbers that a beamline writes into its file names
 * (`Ceramic_S0042_00007.tif`) and records them, so that the catalog can be searched for them.
 *
 * Copy it into the folder that `daq.pluginDirectory` names, `dm-plugin.d.ts` with it, and restart the station. With
 * other names, give the station's configuration another pattern with a group `scan` and, if there is one, `image`:
 *
 *     daq:
 *       plugins:
 *         scan-number:
 *           options: { pattern: '^scan(?<scan>\\d+)_' }
 *
 * @type {import('./dm-plugin.d.ts').PerFilePlugin}
 */
export default {
  name: 'scan-number',
  order: 260, // above 200: the file is in the catalog, so there is something to add to

  process(file, { options }) {
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    const pattern = new RegExp(typeof options.pattern === 'string' ? options.pattern : DEFAULT_PATTERN);
    const groups = pattern.exec(name)?.groups;
    if (groups?.scan === undefined) {
      // Not a fault: the file passes, and whoever asks why it has no number is told.
      return { warning: `no scan number in the name ${name}` };
    }
    return {
      metadata: {
        scanNumber: Number(groups.scan),
        ...(groups.image === undefined ? {} : { imageNumber: Number(groups.image) }),
      },
    };
  },
};

const DEFAULT_PATTERN = '_S(?<scan>\\d+)(?:_(?<image>\\d+))?';
