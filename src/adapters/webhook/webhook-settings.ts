// How webhooks leave, as the secret `webhook_settings` tells it.
import { z } from 'zod';

export const WebhookSettings = z.object({
  /** Authorities to trust besides the usual ones: PEM texts. */
  certificates: z.array(z.string()).readonly(),
  /** For `http://` and `https://` receivers; null: straight there. May hold a name and a password. */
  httpProxy: z.string().nullable(),
  httpsProxy: z.string().nullable(),
  /** Hosts reached without a proxy, as the variable NO_PROXY lists them. */
  noProxy: z.string(),
});
export type WebhookSettings = Readonly<z.infer<typeof WebhookSettings>>;

/** Straight there, trusting the usual authorities. */
export const plainSettings: WebhookSettings = { certificates: [], httpProxy: null, httpsProxy: null, noProxy: '' };
