import { z } from 'zod';
import { absolutePath } from '../../../platform/config/index.js';

const target = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    context.addIssue({ code: 'custom', message: 'must be a URL, such as https://hooks.example.org/dm/' });
  } else if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    context.addIssue({ code: 'custom', message: 'must be origin and path only: no password, no ?, no #' });
  }
});

const network = z
  .string()
  .regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/, 'must be an address and a prefix length, such as 10.1.0.0/16');

/** Where the station may call at all, and how its calls are signed. */
export const webhooksConfigSchema = z.strictObject({
  /** URLs that calls may go to, and all paths below one that ends in a slash. Nothing else is ever called. */
  allow: z.array(target).default([]),
  /**
   * Private and loopback networks that a listed name may lead to, such as `10.1.0.0/16`. An address that is listed
   * itself, as in `http://127.0.0.1:8080/`, needs no network.
   */
  networks: z.array(network).default([]),
  /** File with the secret that calls are signed with (at least 16 bytes); readable by the station alone. */
  secretFile: absolutePath.optional(),
});

export type WebhooksConfig = z.infer<typeof webhooksConfigSchema>;
