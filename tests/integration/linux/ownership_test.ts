import assert from "node:assert/strict";
import { Ownership } from "../../../src/lib/linux/ownership.ts";
import { FakeSysfs } from "./fake_sysfs.ts";
import { namesIn, RememberingLog } from "./waiting.ts";

/** What the registry says of a device, when everything asked for has been done. */
async function entry(fake: FakeSysfs, device: string): Promise<Record<string, string> | undefined> {
  const folder = `${fake.places.registry}/${device}`;
  try {
    return {
      owner: await Deno.readTextFile(`${folder}/owner`),
      seqnum: await Deno.readTextFile(`${folder}/seqnum`),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Waits until the entry is as wanted, with a bound. */
async function until(fake: FakeSysfs, device: string, owner: string | undefined): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if ((await entry(fake, device))?.["owner"] === owner) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`the owner of ${device} did not become ${owner}: ${Deno.inspect(await entry(fake, device))}`);
}

Deno.test("everybody may read the registry, whatever the umask of the unit", async () => {
  await using fake = await FakeSysfs.create();
  const { registry } = fake.places;
  assert.throws(() => Deno.statSync(registry), Deno.errors.NotFound);
  const before = Deno.umask(0o077);
  try {
    new Ownership(new RememberingLog(), fake.places).own("nvme0", true);
  } finally {
    Deno.umask(before);
  }
  const modes = ["", "/nvme0", "/nvme0/owner", "/nvme0/seqnum"].map((path) =>
    ((Deno.statSync(registry + path).mode ?? 0) & 0o777).toString(8)
  );
  assert.deepEqual(modes, ["755", "755", "644", "644"]);
});

Deno.test("our name is written in nvme-cli's form, over an older one, and removed where it is ours", async () => {
  await using fake = await FakeSysfs.create();
  const ownership = new Ownership(new RememberingLog(), fake.places);
  ownership.own("nvme0", true);
  await until(fake, "nvme0", "stas\n");
  assert.deepEqual(await entry(fake, "nvme0"), { owner: "stas\n", seqnum: "4711\n" });
  assert.equal((await Deno.stat(`${fake.places.registry}/nvme0/owner`)).mode ?? 0 & 0o777, 0o100644);
  await Deno.writeTextFile(`${fake.places.registry}/nvme0/owner`, "other\n");
  ownership.own("nvme0", true);
  await until(fake, "nvme0", "stas\n");
  ownership.own("nvme0", false);
  await until(fake, "nvme0", undefined);
  assert.deepEqual(await namesIn(fake.places.registry), [], "something was left behind");
});

Deno.test("what an earlier process with our number left half done is no obstacle", async () => {
  await using fake = await FakeSysfs.create();
  await Deno.mkdir(`${fake.places.registry}/.nvme0.${Deno.pid}`, { recursive: true });
  await Deno.writeTextFile(`${fake.places.registry}/.nvme0.${Deno.pid}/owner`, "half");
  new Ownership(new RememberingLog(), fake.places).own("nvme0", true);
  assert.deepEqual(await entry(fake, "nvme0"), { owner: "stas\n", seqnum: "4711\n" });
  assert.deepEqual(await namesIn(fake.places.registry), ["nvme0"]);
});

Deno.test("somebody else's entry stays, and so does that of a controller that has come back", async () => {
  await using fake = await FakeSysfs.create();
  const ownership = new Ownership(new RememberingLog(), fake.places);
  await Deno.mkdir(`${fake.places.registry}/nvme1`, { recursive: true });
  await Deno.writeTextFile(`${fake.places.registry}/nvme1/owner`, "nbft\n");
  await Deno.writeTextFile(`${fake.places.registry}/nvme1/seqnum`, "1\n");
  ownership.own("nvme1", false);
  ownership.forgetIfGone("nvme1");
  await fake.add("nvme0", {});
  ownership.own("nvme0", true);
  ownership.forgetIfGone("nvme0");
  // Requests are done in order: when this one is, all are.
  ownership.own("nvme2", true);
  await until(fake, "nvme2", "stas\n");
  assert.equal((await entry(fake, "nvme1"))?.["owner"], "nbft\n");
  assert.equal((await entry(fake, "nvme0"))?.["owner"], "stas\n");
  await fake.remove("nvme0");
  ownership.forgetIfGone("nvme0");
  await until(fake, "nvme0", undefined);
});

Deno.test("a registry that cannot be written is only mentioned", async () => {
  await using fake = await FakeSysfs.create();
  await Deno.writeTextFile(fake.places.registry, "a file in its place");
  const log = new RememberingLog();
  const ownership = new Ownership(log, fake.places);
  ownership.own("nvme0", true);
  for (let i = 0; i < 500 && log.entries.length === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(log.entries[0]?.level, "debug");
});
