/** Why a controller is where it is, and what a discovery controller lists. */
import assert from "node:assert/strict";
import { buildSite } from "../../demo/site.ts";
import { visited } from "./visit.ts";

Deno.test("Details: from the list to the chain of a failing controller, with its failure, remedy and options", () =>
  visited({ world: buildSite().world }, async (visit) => {
    await visit.open("#/subsystems?state=none");
    await visit.click("button", "Show paths of nqn.2025-01.com.example:backup");
    await visit.click("link", "tcp 192.168.20.13:4420");
    await visit.see(
      "Wanted by",
      "Attempt",
      "Next",
      "Remedy",
      "192.168.20.13 does not answer (ETIMEDOUT)",
      "check cables, routes and firewalls",
    );
    await visit.click("button", "Show the options in force");
    await visit.see("[Global] reconnect-delay", "default", /stacd\.conf:2/);
  }));

Deno.test("Details: the log page of a discovery controller is a table", () =>
  visited({ world: buildSite().world }, async (visit) => {
    await visit.open();
    await visit.click("link", "192.168.20.10:8009");
    const text = await visit.see("Generation", "nqn.2025-01.com.example:orders", "tcp 192.168.20.13:4420");
    assert.match(text, /Log page/);
    assert.match(text, /Wanted by/);
  }));

Deno.test("Details: a name that stafd does not have is said to be none", () =>
  visited({ world: buildSite().world }, async (visit) => {
    await visit.open("#/controller/stacd?what=nqn.2025-01.com.example%3Anone");
    await visit.see("No such controller", "nqn.2025-01.com.example:none");
  }));
