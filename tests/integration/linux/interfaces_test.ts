import assert from "node:assert/strict";
import { readInterfaces } from "../../../src/lib/linux/interfaces.ts";
import { parseRtnetlink, RTM_NEWLINK } from "../../../src/lib/linux/rtnetlink.ts";
import "./waiting.ts";

Deno.test("interfaces of this machine can be read without a monitor", () => {
  assert.deepEqual(readInterfaces().get("lo")?.index, 1);
});

/** RTM_NEWLINK of a VLAN interface, built by hand: not every kernel has VLANs to make one. */
function vlanLink(): Uint8Array<ArrayBuffer> {
  const attribute = (type: number, value: readonly number[]): number[] => {
    const length = 4 + value.length;
    const padding = Array.from({ length: (4 - length % 4) % 4 }, () => 0);
    return [length & 0xff, length >> 8, type & 0xff, type >> 8, ...value, ...padding];
  };
  const ascii = (text: string): number[] => [...new TextEncoder().encode(text), 0];
  const body = [
    ...[0, 0, 1, 0, 9, 0, 0, 0, 0x41, 0, 0, 0, 0, 0, 0, 0],
    ...attribute(3, ascii("fab0.100")),
    ...attribute(1, [2, 0, 0, 0, 0, 0x2a]),
    ...attribute(18, [...attribute(1, ascii("vlan")), ...attribute(2, attribute(1, [100, 0]))]),
  ];
  const bytes = new Uint8Array(new ArrayBuffer(16 + body.length));
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  new DataView(bytes.buffer).setUint16(4, RTM_NEWLINK, true);
  bytes.set(body, 16);
  return bytes;
}

Deno.test("a VLAN interface has its id", () => {
  assert.deepEqual([...parseRtnetlink(vlanLink())], [{
    type: RTM_NEWLINK,
    body: { kind: "link", index: 9, name: "fab0.100", mac: "02:00:00:00:00:2a", up: true, vlan: 100 },
  }]);
});

Deno.test("a message whose lengths lie is not read beyond its end", () => {
  const whole = vlanLink();
  for (let length = 0; length < whole.length; length++) {
    assert.deepEqual([...parseRtnetlink(whole.slice(0, length))], []);
  }
  for (let at = 0; at < whole.length; at++) {
    const bent = whole.slice();
    bent[at] = 0xff;
    for (const _ of parseRtnetlink(bent)) continue;
  }
});
