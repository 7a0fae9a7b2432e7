import type { SeededRandom } from './random.js';

const RING_RADII = [0.28, 0.55, 0.83]; // of half the frame's smaller side
const RING_WIDTH = 0.03;
const BACKGROUND_COUNTS = 12;

export interface FrameSize {
  width: number;
  height: number;
}

/**
 * One 16-bit frame of a powder pattern: a few rings around the beam, a weak background, counting noise and the shadow of
 * the beam stop. Looks like silver behenate from afar, and compresses like a real frame.
 * @param brightness peak counts of the innermost ring
 */
export function scatteringFrame(random: SeededRandom, { width, height }: FrameSize, brightness: number): Uint16Array {
  const frame = new Uint16Array(width * height);
  const half = Math.min(width, height) / 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const radius = Math.hypot(x - width / 2, y - height / 2) / half;
      frame[y * width + x] = radius < 0.06 ? 0 : Math.min(65_535, random.count(intensityAt(radius, brightness)));
    }
  }
  return frame;
}

function intensityAt(radius: number, brightness: number): number {
  let intensity = BACKGROUND_COUNTS;
  for (const [order, ring] of RING_RADII.entries()) {
    intensity += (brightness / (order + 1)) * Math.exp(-(((radius - ring) / RING_WIDTH) ** 2) / 2);
  }
  return intensity;
}
