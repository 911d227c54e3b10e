import assert from "node:assert/strict";
import type { CommandAnswer } from "../../../src/lib/linux/admin.ts";
import { ControllerTypes } from "../../../src/lib/linux/controller_types.ts";
import { kernelCtrl } from "../../unit/nvme/samples.ts";
import { encodeIdentify } from "../../wire/identify.ts";

const UNTOLD = kernelCtrl({ transport: "tcp", cntrltype: "", isDc: false, isIoc: false, state: "live" });

const identified = (cntrltype: number): CommandAnswer => ({
  kind: "done",
  data: new Uint8Array(encodeIdentify({
    vid: 0,
    serial: "",
    model: "",
    firmware: "",
    mdts: 0,
    cntlid: 1,
    ver: 0,
    oaes: 0,
    cntrltype,
    aerl: 0,
    lpa: 0,
    kas: 0,
    maxcmd: 0,
    sgls: 0,
    subnqn: "",
    ioccsz: 0,
    ofcs: 0,
    dctype: 0,
  })),
});

/** Types of which the controller gives these answers, one after the other, and the last for ever. */
function answering(
  ...answers: readonly CommandAnswer[]
): { readonly types: ControllerTypes; readonly asked: string[] } {
  const asked: string[] = [];
  const types = new ControllerTypes(({ device, incarnation }) => {
    asked.push(`${device}/${incarnation}`);
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    assert.ok(answer !== undefined);
    return Promise.resolve(answer);
  });
  return { types, asked };
}

const shown = async (types: ControllerTypes, ctrl = UNTOLD) => {
  const { cntrltype, isDc, isIoc } = await types.told(ctrl);
  return [cntrltype, isDc, isIoc];
};

Deno.test("Identify tells what sysfs does not, once for each connection (KRN-45)", async () => {
  const { types, asked } = answering(identified(2), identified(1), identified(3));
  assert.deepEqual(await shown(types), ["discovery", true, false]);
  assert.deepEqual(await shown(types), ["discovery", true, false]);
  const next = { ...UNTOLD, incarnation: UNTOLD.incarnation + 1 };
  assert.deepEqual(await shown(types, next), ["io", false, true], "another one with its number");
  types.forget(UNTOLD.device);
  assert.deepEqual(await shown(types, next), ["admin", false, false]);
  const { device, incarnation } = UNTOLD;
  assert.deepEqual(asked, [0, 1, 1].map((n) => `${device}/${incarnation + n}`));
});

Deno.test("nobody is asked while the connection is down, and what was told before is remembered", async () => {
  const { types, asked } = answering(identified(1));
  const down = { ...UNTOLD, state: "connecting" } as const;
  assert.deepEqual(await shown(types, down), ["", false, false]);
  assert.equal(asked.length, 0);
  await types.told(UNTOLD);
  assert.deepEqual(await shown(types, down), ["io", false, true]);
});

Deno.test("what sysfs tells is not asked for", async () => {
  const { types, asked } = answering(identified(1));
  for (const told of [{ isDc: true }, { isIoc: true }, { cntrltype: "admin" }, { transport: "pcie" }]) {
    const ctrl = { ...UNTOLD, ...told };
    assert.equal(await types.told(ctrl), ctrl);
  }
  assert.equal(asked.length, 0);
});

Deno.test("a controller that does not report its type stays untold, and is not asked for ever", async () => {
  const { types, asked } = answering(identified(0));
  for (let n = 0; n < 10; n++) assert.deepEqual(await shown(types), ["", false, false]);
  assert.ok(asked.length < 10, `${asked.length} commands`);
});

Deno.test("a command that did not get through says nothing, and is sent again", async () => {
  const lost: CommandAnswer = { kind: "failed", gone: false, message: "lost" };
  const { types } = answering(lost, lost, lost, lost, identified(2));
  for (let n = 0; n < 4; n++) assert.deepEqual(await shown(types), ["", false, false]);
  assert.deepEqual(await shown(types), ["discovery", true, false]);
});
