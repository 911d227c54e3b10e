import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import {
  deriveHostNqn,
  isUuid,
  isUuidNqn,
  uuidBytes,
  uuidFromDeviceTree,
  uuidFromDmi,
  uuidFromMachineId,
  uuidNqn,
  uuidText,
} from "../../../src/lib/nvme/host_nqn.ts";
import { list, record, text, vector } from "./vectors.ts";

const hmac = (key: Uint8Array, message: Uint8Array) =>
  new Uint8Array(createHmac("sha256", key).update(message).digest());
const random = Uint8Array.from({ length: 16 }, () => 0xff);
const file = record(vector("stasadm-hostnqn"));

for (const row of list(file["machine_id"]).map(record)) {
  Deno.test(`vector stasadm-hostnqn: machine-id ${text(row["machine_id"])}`, () => {
    const machineId = `${text(row["machine_id"])}\n`;
    assert.equal(uuidNqn(uuidFromMachineId(machineId, hmac) ?? ""), row["hostnqn"]);
    assert.equal(deriveHostNqn({ machineId, random, hmac }), row["hostnqn"]);
  });
}

for (const row of list(file["dmi"]).map(record)) {
  Deno.test(`vector stasadm-hostnqn: DMI ${text(row["product_uuid"])}`, () => {
    assert.equal(uuidFromDmi(`${text(row["product_uuid"])}\n`), row["out"]);
  });
}

Deno.test("CLI-60, CLI-64: the first source that works", () => {
  const dmi = "00112233-4455-6677-8899-AABBCCDDEEFF";
  const tree = "AABBCCDD-0000-1111-2222-333344445555";
  const bad = { machineId: "0123", random, hmac };
  const nqn = (sources: Partial<Parameters<typeof deriveHostNqn>[0]>) =>
    deriveHostNqn({ ...bad, ...sources });
  assert.equal(
    nqn({ productUuid: dmi, partitionUuid: tree }),
    uuidNqn("33221100-5544-7766-8899-AABBCCDDEEFF"),
  );
  assert.equal(nqn({ productUuid: "short", partitionUuid: `${tree}\0` }), uuidNqn(tree));
  assert.equal(nqn({}), uuidNqn("ffffffff-ffff-4fff-bfff-ffffffffffff"));
  assert.ok(isUuidNqn(nqn({})));
  assert.equal(uuidFromDmi("00000000-0000-0000-0000-000000000000"), undefined);
  assert.equal(uuidFromDmi("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"), undefined);
  assert.equal(uuidFromDeviceTree("x"), undefined);
  for (const machineId of ["", "0123456789abcdef0123456789abcde", "uninitialized".padEnd(32, "x")]) {
    assert.equal(uuidFromMachineId(machineId, hmac), undefined);
  }
});

Deno.test("UUIDs", () => {
  const uuid = "44454c4c-3400-1036-8038-b2c04f313233";
  const bytes = uuidBytes(uuid.toUpperCase());
  assert.ok(bytes !== undefined);
  assert.equal(uuidText(bytes), uuid);
  assert.equal(bytes[0], 0x44);
  for (const bad of ["", `{${uuid}}`, uuid.replaceAll("-", ""), `${uuid}\n`]) assert.ok(!isUuid(bad));
});
