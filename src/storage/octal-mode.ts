import { z } from 'zod';

/** A mode as people write it in YAML and in shells: octal digits in quotes. */
export const octalMode = z
  .string()
  .regex(/^0?[0-7]{3,4}$/, 'must be an octal mode in quotes, such as "0640"')
  .transform((text) => parseInt(text, 8));
