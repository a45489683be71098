import createClient, { type ClientOptions } from "openapi-fetch";

import type { components, paths } from "./schema.d.ts";

/** Everything on the wire, by its name in the contract. */
export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

/** A client of one shop. `credential` is a key (`pk_…`, `sk_…`) or a person's token. */
export function hylla(baseUrl: string, credential: string, options: ClientOptions = {}) {
  const headers = { ...options.headers, Authorization: `Bearer ${credential}` };
  return createClient<paths>({ ...options, baseUrl, headers });
}

/** A new `Idempotency-Key`: one for each intent, the same for each try of it. */
export function intent(): string {
  return crypto.randomUUID();
}

/** The answer, or an error that says what the shop said. */
export function must<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.data === undefined) {
    throw new Error(answer.error ? `${answer.error.code}: ${answer.error.title}` : "no answer");
  }
  return answer.data;
}
