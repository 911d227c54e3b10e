/** `<what>` in `explain` and `wait`: each form finds its controller, and a name that nobody has is an error. */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { line, type Site, withSite } from "./site.ts";

const NQN = "nqn.1992-08.com.example:array7:finance-lun-0001";
const OTHER = `${NQN}0`;

/** Two subsystems that one discovery controller lists, the second one by IPv6. */
async function started({ stage }: Site): Promise<void> {
  const first = stage.subsystem(NQN, "10.0.0.25");
  const second = stage.subsystem(OTHER, "fd01::7");
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(first, "nvme"), entryFor(second, "nvme")]);
  stage.stafdConf(line("traddr=10.0.0.100"));
  stage.stacdConf("");
  await stage.start(20_000);
  assert.equal(stage.to(first).length, 1);
  assert.equal(stage.to(second).length, 1);
}

/** What of this machine's files `<what>` is looked up in. */
async function files(head: string, mounts: string): Promise<string> {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/proc/self`, { recursive: true });
  await Deno.writeTextFile(`${root}/proc/self/mountinfo`, mounts);
  await Deno.mkdir(`${root}/dev/disk/by-id`, { recursive: true });
  await Deno.mkdir(`${root}/dev/mapper`);
  for (const name of [head, `${head}p1`, "dm-0", "sda"]) {
    await Deno.writeTextFile(`${root}/dev/${name}`, "");
  }
  await Deno.symlink(`../../${head}`, `${root}/dev/disk/by-id/nvme-eui.0001`);
  await Deno.symlink("../dm-0", `${root}/dev/mapper/vg-data`);
  await Deno.mkdir(`${root}/sys/class/block/dm-0/slaves/${head}p1`, { recursive: true });
  return root;
}

Deno.test("explain and wait take every form of what the tools print, a mount point and a by-id link", () =>
  withSite(async (site) => {
    await started(site);
    const [device] = site.stage.to(NQN);
    assert.ok(device !== undefined);
    const { devices } = site.stage.world.kernel;
    const [head = ""] = devices.view(device).namespaces;
    const root = await files(
      head,
      `30 1 259:1 / /srv/database rw - xfs /dev/${head}p1 rw\n` +
        "31 1 253:0 / /srv/volume rw - ext4 /dev/mapper/vg-data rw\n" +
        "32 1 8:1 / /srv/disk rw - ext4 /dev/sda rw\n33 1 0:9 / /tmp rw - tmpfs tmpfs rw\n",
    );
    for (
      const what of [
        "10.0.0.25",
        "10.0.0.25:4420",
        '"tcp 10.0.0.25:4420"',
        device.name,
        `/dev/${device.name}`,
        head,
        `/dev/${head}`,
        `nvme0c${device.name.slice(4)}n1`,
        NQN,
        `(tcp, 10.0.0.25, 4420, ${NQN})`,
        "/srv/database",
        "/srv/database/",
        "/srv/volume",
        "/dev/disk/by-id/nvme-eui.0001",
        "/dev/mapper/vg-data",
      ]
    ) {
      const { status, out, err } = await site.run(`stacctl explain ${what}`, { root });
      assert.equal(status, 0, `${what}: ${err}`);
      assert.ok(out.startsWith(`${device.name} (tcp, 10.0.0.25`), out);
      assert.equal(out.split(/\n\n/).length, 1, out);
      const waited = await site.run(`stacctl wait --for connected ${what} --timeout 0.2`, { root });
      assert.equal(waited.status, 0, waited.err);
      const gone = await site.run(`stacctl wait --for gone ${what} --timeout 0.05`, { root });
      assert.match(gone.err, /not gone within 0.05 s: \(tcp, 10.0.0.25/, what);
    }
    assert.match((await site.run("stacctl explain [FD01:0::7]:4420")).out, /tcp, fd01::7/);
    assert.match((await site.run("stafctl explain 10.0.0.100:8009")).out, /tcp, 10.0.0.100/);
    for (
      const [what, why] of [
        ["/srv/disk", "stacctl: /srv/disk is on sda, but no NVMe device is below it\n"],
        ["/tmp", "stacctl: /tmp is mounted from tmpfs, which is not a block device\n"],
        ["/srv/data", "stacctl: /srv/data is neither a device nor a mount point\n"],
      ]
    ) {
      for (const command of ["explain", "wait --for gone"]) {
        const { status, err } = await site.run(`stacctl ${command} ${what}`, { root });
        assert.deepEqual([status, err], [1, why]);
      }
    }
    await Deno.remove(root, { recursive: true });
  }));

Deno.test("a name that nobody has is an error with the nearest ones, also when it is to be gone", () =>
  withSite(async (site) => {
    await started(site);
    for (
      const [what, near] of [
        [`${NQN.slice(0, -4)}00l1`, NQN],
        ["10.0.0.26:4420", "10.0.0.25:4420"],
        ["nvme9", "nvme1"],
      ]
    ) {
      for (const command of ["explain", "wait --for gone"]) {
        const { status, err } = await site.run(`stacctl ${command} ${what}`);
        assert.equal(status, 1);
        assert.ok(err.startsWith(`stacctl: stacd knows no controller "${what}"; nearest: `), err);
        assert.ok(near !== undefined && err.includes(near), err);
      }
      assert.equal((await site.run(`stacctl wait --for gone --allow-unknown ${what}`)).status, 0);
    }
    const late = await site.run("stacctl wait --for connected nvme9 --timeout 0.05");
    assert.equal(late.status, 1);
    assert.match(late.err, /not connected within 0.05 s: stacd knows no controller "nvme9"; nearest: nvme/);
  }));

Deno.test("one that was disconnected is gone by every name that it had, and explained by its address", () =>
  withSite(async (site) => {
    const { stage } = site;
    await started(site);
    stage.stacdConf("[Controllers]\nexclude = traddr=10.0.0.25\n");
    await stage.run(120_000);
    assert.deepEqual(stage.to(NQN), []);
    for (const what of ["10.0.0.25", "10.0.0.25:4420", NQN, `(tcp, 10.0.0.25, 4420, ${NQN})`]) {
      const { status, err } = await site.run(`stacctl wait --for gone ${what} --timeout 0.2`);
      assert.equal(status, 0, err);
      assert.equal((await site.run(`stacctl explain ${what}`)).status, 0, what);
    }
  }));

Deno.test("a connection of others is not gone while it exists", () =>
  withSite(async (site) => {
    const { stage } = site;
    const target = stage.subsystem("nqn.foreign", "10.0.0.77");
    const device = stage.connectedByOthers(target);
    stage.stafdConf("");
    stage.stacdConf("");
    await stage.start(20_000);
    for (const what of ["10.0.0.77:4420", device.name, "nqn.foreign"]) {
      const { status, err } = await site.run(`stacctl wait --for gone ${what} --timeout 0.05`);
      assert.equal(status, 1);
      assert.match(err, /not gone within 0.05 s: nvme\d+ .*: Connected by another program/);
    }
  }));

Deno.test("--all-paths waits for the last path; without it the first one is enough", () =>
  withSite(async (site) => {
    const { stage } = site;
    const target = stage.subsystem(NQN, "10.0.0.25");
    stage.stafdConf("");
    stage.stacdConf(
      line(`traddr=10.0.0.25;trsvcid=4420;nqn=${NQN}`, `traddr=10.0.0.26;trsvcid=4420;nqn=${NQN}`),
    );
    await stage.start(20_000);
    assert.equal(stage.to(target).length, 1);
    assert.equal((await site.run(`stacctl wait --for connected ${NQN} --timeout 0.2`)).status, 0);
    const all = await site.run(`stacctl wait --for connected --all-paths ${NQN} --timeout 0.05`);
    assert.equal(all.status, 1);
    assert.match(all.err, /\(tcp, 10.0.0.26, .* is failing/);
  }));
