/**
 * Tables of real firmware, against what libnvme makes of them, field by field. They are not part of this tree: they are
 * read where the project's notes lie beside it, and these tests say so when they do not.
 */
import assert from "node:assert/strict";
import { decodeNbft, type Nbft } from "../../../src/lib/nvme/nbft.ts";

const CORPUS = new URL("../../../../shared/data/nbft/", import.meta.url);

function files(folder: string): string[] {
  try {
    return [...Deno.readDirSync(new URL(folder, CORPUS))].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Bytes as libnvme's dump shows them: no leading zeros. */
const hex = (bytes: Iterable<number>) => [...bytes].map((byte) => byte.toString(16)).join("");
const orNull = (text: string) => text === "" ? "(null)" : text;
const bit = (value: boolean) => value ? "1" : "0";

/** The fields in libnvme's names and spelling. */
function dump(nbft: Nbft, size: number): Map<string, string> {
  const lines: [string, string][] = [["raw_nbft_size", String(size)]];
  const { host } = nbft;
  if (host !== undefined) {
    const id = host.hostId.replaceAll("-", "").match(/../g) ?? [];
    lines.push(
      ["host.id", hex(id.map((byte) => parseInt(byte, 16)))],
      ["host.nqn", host.nqn],
      ["host.host_id_configured", bit(host.idConfigured)],
      ["host.host_nqn_configured", bit(host.nqnConfigured)],
      ["host.primary", String(host.primary)],
    );
  }
  nbft.hfis.forEach((hfi, i) => {
    const put = (key: string, value: string | number) =>
      lines.push([`hfi_list[${i}]->${key}`, String(value)]);
    put("index", hfi.index);
    put("transport", "tcp");
    put("tcp_info.pci_sbdf", hfi.pciSbdf);
    put("tcp_info.mac_addr", hex(hfi.mac.split(":").map((byte) => parseInt(byte, 16))));
    put("tcp_info.vlan", hfi.vlan);
    put("tcp_info.ip_origin", hfi.ipOrigin);
    put("tcp_info.ipaddr", hfi.ip);
    put("tcp_info.subnet_mask_prefix", hfi.prefix);
    put("tcp_info.gateway_ipaddr", hfi.gateway);
    put("tcp_info.route_metric", hfi.routeMetric);
    put("tcp_info.primary_dns_ipaddr", hfi.dns1);
    put("tcp_info.secondary_dns_ipaddr", hfi.dns2);
    put("tcp_info.dhcp_server_ipaddr", hfi.dhcpServer);
    put("tcp_info.host_name", orNull(hfi.hostName));
    put("tcp_info.this_hfi_is_default_route", bit(hfi.defaultRoute));
    put("tcp_info.dhcp_override", bit(hfi.dhcpOverride));
  });
  nbft.discovery.forEach((entry, i) => {
    const put = (key: string, value: string | number) =>
      lines.push([`discovery_list[${i}]->${key}`, String(value)]);
    put("index", entry.index);
    if (entry.securityIndex !== 0) put("security->index", entry.securityIndex);
    put("hfi->index", entry.hfiIndex);
    put("uri", entry.uri);
    put("nqn", entry.nqn);
  });
  nbft.subsystems.forEach((entry, i) => {
    const put = (key: string, value: string | number) =>
      lines.push([`subsystem_ns_list[${i}]->${key}`, String(value)]);
    put("index", entry.index);
    if (entry.discoveryIndex !== 0) put("discovery->index", entry.discoveryIndex);
    if (entry.securityIndex !== 0) put("security->index", entry.securityIndex);
    put("num_hfis", entry.hfiIndexes.length);
    entry.hfiIndexes.forEach((hfi, n) => put(`hfis[${n}]->index`, hfi));
    put("transport", "tcp");
    put("traddr", entry.traddr);
    put("trsvcid", entry.trsvcid);
    put("subsys_port_id", entry.portId);
    put("nsid", entry.nsid);
    put("nid_type", entry.nidType);
    put("nid", hex(entry.nid));
    put("subsys_nqn", entry.nqn);
    put("pdu_header_digest_required", bit(entry.hdrDigest));
    put("data_digest_required", bit(entry.dataDigest));
    put("controller_id", entry.controllerId);
    put("asqsz", entry.asqsz);
    put("dhcp_root_path_string", orNull(entry.dhcpRootPath));
    put("discovered", bit(entry.discovered));
    put("unavailable", bit(entry.unavailable));
  });
  return new Map(lines);
}

const good = files("good/");
if (good.length === 0) {
  console.log(`No real boot tables beside this tree: tested with generated ones only`);
}

for (const name of good) {
  Deno.test(`real boot table ${name}: all that libnvme shows`, () => {
    const bytes = Deno.readFileSync(new URL(`good/${name}`, CORPUS));
    const nbft = decodeNbft(bytes);
    assert.ok(nbft.ok, JSON.stringify(nbft));
    assert.deepEqual(nbft.value.warnings, []);
    const lines = Deno.readTextFileSync(new URL(`expected/${name}`, CORPUS)).trim().split("\n");
    const expected = new Map(lines.map((line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals), line.slice(equals + 1)];
    }));
    assert.ok(expected.size > 4);
    assert.deepEqual(dump(nbft.value, bytes.length), expected);
  });
}

for (const name of files("bad/")) {
  Deno.test(`real boot table ${name} is refused`, () => {
    const nbft = decodeNbft(Deno.readFileSync(new URL(`bad/${name}`, CORPUS)));
    assert.ok(!nbft.ok);
    assert.match(nbft.problem, /^NBFT: .*\d/);
  });
}
