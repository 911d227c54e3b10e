/** Half a day of a site: the daemons keep no more at its end than in between, and miss nothing. */
import assert from "node:assert/strict";
import { soak } from "../bench/soak.ts";

Deno.test("after half a day of changes and failures the daemons keep as much as before", async () => {
  const looks = await soak(12);
  assert.deepEqual(looks.flatMap(({ missed }) => missed), []);
  const [first, ...later] = looks;
  for (const { hour, stafd, stacd, reminders } of later) {
    for (
      const [what, now, before] of [["stafd", stafd, first?.stafd], ["stacd", stacd, first?.stacd]] as const
    ) {
      assert.ok(
        now < 1.1 * (before ?? 0),
        `${what} keeps ${now} objects after ${hour} hours, ${before} before`,
      );
    }
    assert.ok(reminders <= 2 * (first?.reminders ?? 0), `${reminders} reminders after ${hour} hours`);
  }
  assert.ok((looks.at(-1)?.changes ?? 0) > 150);
});
