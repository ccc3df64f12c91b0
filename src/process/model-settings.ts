import type { Config } from '../config/read-config.ts';
import type { OpenAiModelSettings } from '../model/openai.ts';

/** Where the model is and how it is asked, for a replica and for `doctor`. */
export function modelSettings(config: Config): Omit<OpenAiModelSettings, 'found' | 'maxRetries'> {
  return {
    baseUrl: config.OPENAI_BASE_URL,
    apiKey: config.OPENAI_API_KEY,
    proxies: { http: config.HTTP_PROXY, https: config.HTTPS_PROXY, none: config.NO_PROXY },
    extraBody: config.MODEL_EXTRA_BODY,
    // JSON may write a byte of an answer as six; a chunk has some other fields beside it.
    maxEventBytes: config.MAX_OUTPUT_BYTES * 6 + 65_536,
  };
}
