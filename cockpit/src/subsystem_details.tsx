/** Paths and namespaces of one subsystem. */
import { Button } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { ReactNode } from "react";
import { addressOf, ifaceOf, remark } from "../../src/ctl/controllers_view.ts";
import type { V1Namespace } from "../../src/lib/dbus/v1_types.ts";
import { type Sizes, sizeText } from "./block_sizes.ts";
import { Address, Name, PhaseLabel } from "./labels.tsx";
import { controllerHref } from "./place.ts";
import { dcsOf, type SubsystemRow } from "./subsystem_rows.ts";

export function SubsystemDetails({ row, at, sizes }: {
  readonly row: SubsystemRow;
  readonly at: number;
  readonly sizes: Sizes;
}): ReactNode {
  const { nqn, paths, storage } = row;
  return (
    <div className="stas-details">
      <Table aria-label={`Paths of ${nqn}`} variant="compact" borders={false} gridBreakPoint="grid-lg">
        <Thead>
          <Tr>
            <Th modifier="nowrap">Path</Th>
            <Th modifier="nowrap">State</Th>
            <Th modifier="nowrap">ANA</Th>
            <Th modifier="nowrap">Interface</Th>
            <Th modifier="nowrap">Listed by</Th>
            <Th modifier="nowrap">Remark</Th>
          </Tr>
        </Thead>
        <Tbody>
          {paths.map((path) => (
            <Tr key={path.text}>
              <Td dataLabel="Path">
                <a href={controllerHref("stacd", path.text)}>
                  <Address>{`${path.tid.transport} ${addressOf(path)}`}</Address>
                </a>
                {path.device !== "" && ` (${path.device})`}
              </Td>
              <Td dataLabel="State">
                <PhaseLabel phase={path.phase} />
              </Td>
              <Td dataLabel="ANA">{path.anaState ?? "-"}</Td>
              <Td dataLabel="Interface">{ifaceOf(path) || "-"}</Td>
              <Td dataLabel="Listed by">
                <ListedBy path={path} />
              </Td>
              <Td dataLabel="Remark">
                <Name>{remark(path, at)}</Name>
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
      {storage !== undefined && storage.namespaces.length > 0 && (
        <Table aria-label={`Namespaces of ${nqn}`} variant="compact" borders={false} gridBreakPoint="grid-lg">
          <Thead>
            <Tr>
              <Th modifier="nowrap">Namespace</Th>
              <Th modifier="nowrap">Size</Th>
              <Th modifier="nowrap">Paths</Th>
              <Th modifier="nowrap">Used by</Th>
            </Tr>
          </Thead>
          <Tbody>
            {storage.namespaces.map((one) => <NamespaceRow key={one.device} namespace={one} sizes={sizes} />)}
          </Tbody>
        </Table>
      )}
    </div>
  );
}

/** Addresses are not broken inside; a configuration line may be. */
function ListedBy({ path }: { readonly path: SubsystemRow["paths"][number] }): ReactNode {
  const dcs = [...new Set(dcsOf(path))];
  return dcs.length > 0 ? <Address>{dcs.join(", ")}</Address> : <Name>{path.sources[0]?.text ?? "-"}</Name>;
}

/** The storage page is in a package of its own (cockpit-storaged). */
const hasStoragePage = (): boolean => globalThis.cockpit.manifests?.["storage"] !== undefined;

function NamespaceRow({ namespace, sizes }: {
  readonly namespace: V1Namespace;
  readonly sizes: Sizes;
}): ReactNode {
  const { device, holders, unknown, paths } = namespace;
  const size = sizes.get(device);
  return (
    <Tr>
      <Td dataLabel="Namespace">
        {hasStoragePage()
          ? (
            <Button
              variant="link"
              isInline
              aria-label={`Show ${device} on Cockpit's storage page`}
              onClick={() => globalThis.cockpit.jump("/storage")}
            >
              {device}
            </Button>
          )
          : device}
      </Td>
      <Td dataLabel="Size">{size === undefined ? "-" : sizeText(size)}</Td>
      <Td dataLabel="Paths">
        <Name>
          {paths.map(({ device: name, state, anaState }) =>
            `${name} ${state}${anaState === "" ? "" : ` ${anaState}`}`
          )
            .join(", ")}
        </Name>
      </Td>
      <Td dataLabel="Used by">
        {holders.map((holder) => (
          <div key={holder}>
            <Name>{holder}</Name>
          </div>
        ))}
        {unknown !== null && <div>{`not fully known: ${unknown}`}</div>}
        {holders.length === 0 && unknown === null && "nothing"}
      </Td>
    </Tr>
  );
}
