/** The tree of subsystems with their paths and namespaces. */
import {
  Button,
  EmptyState,
  EmptyStateBody,
  FormSelect,
  FormSelectOption,
  Pagination,
  SearchInput,
  Toolbar,
  ToolbarContent,
  ToolbarItem,
} from "@patternfly/react-core";
import { AngleDownIcon, AngleRightIcon } from "@patternfly/react-icons";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { memo, type ReactNode, useCallback, useDeferredValue, useMemo, useState } from "react";
import type { V1State } from "../../src/lib/dbus/v1_types.ts";
import { useSizes } from "./block_sizes.ts";
import { StandingLabel, STANDINGS } from "./labels.tsx";
import { go } from "./place.ts";
import { SubsystemDetails } from "./subsystem_details.tsx";
import {
  dcNames,
  type Filter,
  filtered,
  ifacesOf,
  NO_FILTER,
  type SubsystemRow,
  subsystemRows,
} from "./subsystem_rows.ts";

const PER_PAGE = 25;
const CHOICES = [10, 25, 50, 100].map((value) => ({ title: String(value), value }));

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function filterOf(options: Readonly<Record<string, string>>): Filter {
  const { state = "", dc = "", iface = "", text = "" } = options;
  const standing = state in STANDINGS
    ? (["all", "some", "one", "none", "unwanted"] as const).find((is) => is === state)
    : "";
  return { standing: standing ?? "", dc, iface, text };
}

function show({ standing, dc, iface, text }: Filter): void {
  const options = Object.entries({ state: standing, dc, iface, text }).filter(([, value]) => value !== "");
  go("subsystems", Object.fromEntries(options));
}

export function Subsystems({ state, options }: {
  readonly state: V1State;
  readonly options: Readonly<Record<string, string>>;
}): ReactNode {
  const rows = useMemo(() => subsystemRows(state), [state]);
  const filter = filterOf(options);
  const { standing, dc, iface, text } = useDeferredValue(filter);
  const found = useMemo(() => filtered(rows, { standing, dc, iface, text }), [
    rows,
    standing,
    dc,
    iface,
    text,
  ]);
  const [page, setPage] = useState(1);
  const [perPage, setPerPage] = useState(PER_PAGE);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const lastPage = Math.max(1, Math.ceil(found.length / perPage));
  const current = Math.min(page, lastPage);
  const shown = found.slice((current - 1) * perPage, current * perPage);
  const sizes = useSizes(
    (state.subsystems ?? []).flatMap(({ namespaces }) => namespaces.map(({ device }) => device)).join(" "),
  );
  // Rows keep this callback while they are drawn: it must not depend on the rows that are open when it is made.
  const toggle = useCallback((nqn: string): void => {
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(nqn)) next.add(nqn);
      return next;
    });
  }, []);
  const count = found.reduce((sum, { paths }) => sum + paths.length, 0);
  return (
    <>
      <FilterBar
        filter={filter}
        rows={rows}
        shown={`${counted(found.length, "subsystem")}, ${counted(count, "path")}`}
      >
        {found.length > PER_PAGE && (
          <Pagination
            isCompact
            itemCount={found.length}
            perPage={perPage}
            page={current}
            perPageOptions={CHOICES}
            onSetPage={(_, to) => setPage(to)}
            onPerPageSelect={(_, size) => {
              setPerPage(size);
              setPage(1);
            }}
          />
        )}
      </FilterBar>
      {found.length === 0
        ? <Nothing isFiltered={rows.length > 0} />
        : (
          <Table aria-label="Subsystems" variant="compact" gridBreakPoint="grid-lg">
            <Thead>
              <Tr>
                <Th screenReaderText="Show paths" />
                <Th modifier="nowrap">Subsystem</Th>
                <Th modifier="nowrap">State</Th>
                <Th modifier="nowrap">Paths</Th>
                <Th modifier="nowrap">Namespaces</Th>
                <Th modifier="nowrap">Model</Th>
              </Tr>
            </Thead>
            {shown.map((row) => (
              <Row
                key={row.nqn}
                row={row}
                at={state.at}
                sizes={sizes}
                isOpen={open.has(row.nqn)}
                toggle={toggle}
              />
            ))}
          </Table>
        )}
    </>
  );
}

function Row({ row, at, sizes, isOpen, toggle }: {
  readonly row: SubsystemRow;
  readonly at: number;
  readonly sizes: ReadonlyMap<string, number>;
  readonly isOpen: boolean;
  readonly toggle: (nqn: string) => void;
}): ReactNode {
  const { nqn, standing, live, wanted, storage } = row;
  return (
    <Tbody>
      <Summary
        nqn={nqn}
        isOpen={isOpen}
        standing={standing}
        paths={wanted === 0 ? String(row.paths.length) : `${live} of ${wanted}`}
        namespaces={namespacesText(row)}
        model={storage?.model ?? row.paths.find(({ model }) => model !== "")?.model ?? ""}
        toggle={toggle}
      />
      {isOpen && (
        <Tr>
          <Td colSpan={6} noPadding>
            <SubsystemDetails row={row} at={at} sizes={sizes} />
          </Td>
        </Tr>
      )}
    </Tbody>
  );
}

function namespacesText({ paths, storage }: SubsystemRow): string {
  const names = storage === undefined
    ? [...new Set(paths.flatMap(({ namespaces }) => namespaces))]
    : storage.namespaces.map(({ device }) => device);
  const used = storage?.namespaces.filter(({ holders }) => holders.length > 0).length ?? 0;
  const shown = names.length > 3
    ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`
    : names.join(", ");
  return `${shown === "" ? "none" : shown}${used === 0 ? "" : ` (${used} in use)`}`;
}

/** Drawn again only when one of its texts changes: a thousand paths stay fast. */
const Summary = memo(
  function Summary({ nqn, isOpen, standing, paths, namespaces, model, toggle }: {
    readonly nqn: string;
    readonly isOpen: boolean;
    readonly standing: SubsystemRow["standing"];
    readonly paths: string;
    readonly namespaces: string;
    readonly model: string;
    readonly toggle: (nqn: string) => void;
  }): ReactNode {
    return (
      <Tr>
        <Td className="stas-toggle">
          <Button
            variant="plain"
            size="sm"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? "Hide" : "Show"} paths of ${nqn}`}
            icon={isOpen ? <AngleDownIcon /> : <AngleRightIcon />}
            onClick={() => toggle(nqn)}
          />
        </Td>
        <Td dataLabel="Subsystem">
          <span className="stas-name">{nqn}</span>
        </Td>
        <Td dataLabel="State">
          <StandingLabel standing={standing} />
        </Td>
        <Td dataLabel="Paths">{paths}</Td>
        <Td dataLabel="Namespaces">{namespaces}</Td>
        <Td dataLabel="Model">{model}</Td>
      </Tr>
    );
  },
  (a, b) =>
    a.nqn === b.nqn && a.isOpen === b.isOpen && a.standing === b.standing &&
    a.paths === b.paths &&
    a.namespaces === b.namespaces && a.model === b.model,
);

function Nothing({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  return (
    <EmptyState
      headingLevel="h2"
      variant="sm"
      titleText={isFiltered ? "No subsystem matches" : "No subsystems"}
    >
      <EmptyStateBody>
        {isFiltered
          ? <Button variant="link" onClick={() => show(NO_FILTER)}>Show all subsystems</Button>
          : "No log page lists one and no line of stacd.conf names one. The discovery controllers are on Overview."}
      </EmptyStateBody>
    </EmptyState>
  );
}

function FilterBar({ filter, rows, shown, children }: {
  readonly filter: Filter;
  readonly rows: readonly SubsystemRow[];
  readonly shown: string;
  readonly children: ReactNode;
}): ReactNode {
  const { standing, dc, iface, text } = filter;
  const choices = (first: string, names: readonly string[]): ReactNode[] => [
    <FormSelectOption key="" value="" label={first} />,
    ...names.map((name) => <FormSelectOption key={name} value={name} label={name} />),
  ];
  return (
    <Toolbar>
      <ToolbarContent>
        <ToolbarItem>
          <SearchInput
            aria-label="Search in names, addresses, devices and mount points"
            placeholder="Name, address, device, mount point"
            value={text}
            onChange={(_, value) => show({ ...filter, text: value })}
            onClear={() => show({ ...filter, text: "" })}
          />
        </ToolbarItem>
        <ToolbarItem>
          <FormSelect
            aria-label="Filter by state"
            value={standing}
            onChange={(_, value) => show({ ...filter, standing: filterOf({ state: value }).standing })}
          >
            <FormSelectOption value="" label="Any state" />
            {Object.entries(STANDINGS).map(([value, [label]]) => (
              <FormSelectOption key={value} value={value} label={label} />
            ))}
          </FormSelect>
        </ToolbarItem>
        <ToolbarItem>
          <FormSelect
            aria-label="Filter by discovery controller"
            value={dc}
            onChange={(_, value) => show({ ...filter, dc: value })}
          >
            {choices("Any discovery controller", dcNames(rows))}
          </FormSelect>
        </ToolbarItem>
        <ToolbarItem>
          <FormSelect
            aria-label="Filter by interface"
            value={iface}
            onChange={(_, value) => show({ ...filter, iface: value })}
          >
            {choices("Any interface", ifacesOf(rows))}
          </FormSelect>
        </ToolbarItem>
        <ToolbarItem alignSelf="center">
          <span role="status">{shown}</span>
        </ToolbarItem>
        <ToolbarItem align={{ default: "alignEnd" }}>{children}</ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}
