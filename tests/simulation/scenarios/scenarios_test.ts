/** The track record: each defect as a story that ends well with our cores, and badly with what the original does. */
import assert from "node:assert/strict";
import { realCores } from "../cores.ts";
import { CLOCK_SCENARIOS } from "./clock_scenarios.ts";
import { DRAIN_SCENARIOS } from "./drain_scenarios.ts";
import { FORGET_SCENARIOS } from "./forget_scenarios.ts";
import { HOST_SCENARIOS } from "./host_scenarios.ts";
import { HOSTILE_SCENARIOS } from "./hostile_scenarios.ts";
import { IDENTITY_SCENARIOS } from "./identity_scenarios.ts";
import { IN_USE_SCENARIOS } from "./in_use_scenarios.ts";
import { LOST_SCENARIOS } from "./lost_scenarios.ts";
import { RECOGNITION_SCENARIOS } from "./recognition_scenarios.ts";
import { RENEW_SCENARIOS } from "./renew_scenarios.ts";
import { SECURITY_SCENARIOS } from "./security_scenarios.ts";
import { STACD_SCENARIOS } from "./stacd_scenarios.ts";
import { STAFD_SCENARIOS } from "./stafd_scenarios.ts";
import { TRANSPORT_SCENARIOS } from "./transport_scenarios.ts";
import { TLS_SCENARIOS } from "./tls_scenarios.ts";
import { YOUNG_PAGE_SCENARIOS } from "./young_page_scenarios.ts";

for (
  const { from, name, play, original } of [
    ...STACD_SCENARIOS,
    ...HOST_SCENARIOS,
    ...IN_USE_SCENARIOS,
    ...DRAIN_SCENARIOS,
    ...FORGET_SCENARIOS,
    ...RENEW_SCENARIOS,
    ...YOUNG_PAGE_SCENARIOS,
    ...LOST_SCENARIOS,
    ...IDENTITY_SCENARIOS,
    ...RECOGNITION_SCENARIOS,
    ...STAFD_SCENARIOS,
    ...CLOCK_SCENARIOS,
    ...SECURITY_SCENARIOS,
    ...TLS_SCENARIOS,
    ...HOSTILE_SCENARIOS,
    ...TRANSPORT_SCENARIOS,
  ]
) {
  Deno.test(`${from}: ${name}`, async () => {
    await play(realCores);
    await assert.rejects(
      play(original()),
      assert.AssertionError,
      "what the original does passes as well",
    );
  });
}
