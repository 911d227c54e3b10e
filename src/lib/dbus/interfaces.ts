/**
 * Introspection data of the daemons' interfaces (requirements 50). Names, signatures and argument names of the first
 * two interfaces of each daemon are the original's; the `.v1` interfaces are ours.
 */

export const STAF = { name: "org.nvmexpress.staf", path: "/org/nvmexpress/staf" } as const;
export const STAC = { name: "org.nvmexpress.stac", path: "/org/nvmexpress/stac" } as const;

export const PROPERTIES = "org.freedesktop.DBus.Properties";
export const INTROSPECTABLE = "org.freedesktop.DBus.Introspectable";
export const PEER = "org.freedesktop.DBus.Peer";

const DOCTYPE = `<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
`;

const STANDARD = `  <interface name="org.freedesktop.DBus.Properties">
    <method name="Get">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="out"/>
    </method>
    <method name="GetAll">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="properties" type="a{sv}" direction="out"/>
    </method>
    <method name="Set">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="in"/>
    </method>
    <signal name="PropertiesChanged">
      <arg name="interface_name" type="s"/>
      <arg name="changed_properties" type="a{sv}"/>
      <arg name="invalidated_properties" type="as"/>
    </signal>
  </interface>
  <interface name="org.freedesktop.DBus.Introspectable">
    <method name="Introspect">
      <arg name="xml_data" type="s" direction="out"/>
    </method>
  </interface>
  <interface name="org.freedesktop.DBus.Peer">
    <method name="Ping"/>
    <method name="GetMachineId">
      <arg name="machine_uuid" type="s" direction="out"/>
    </method>
  </interface>
`;

const TID_ARGS = `      <arg name="transport" type="s" direction="in"/>
      <arg name="traddr" type="s" direction="in"/>
      <arg name="trsvcid" type="s" direction="in"/>
      <arg name="subsysnqn" type="s" direction="in"/>
      <arg name="host_traddr" type="s" direction="in"/>
      <arg name="host_iface" type="s" direction="in"/>
      <arg name="host_nqn" type="s" direction="in"/>`;

const debug = (name: string): string =>
  `  <interface name="${name}.debug">
    <property name="tron" type="b" access="readwrite">
      <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="false"/>
    </property>
    <property name="log_level" type="s" access="read">
      <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="false"/>
    </property>
    <method name="process_info">
      <arg name="info_json" type="s" direction="out"/>
    </method>
    <method name="controller_info">
${TID_ARGS}
      <arg name="info_json" type="s" direction="out"/>
    </method>
  </interface>
`;

const doc = (text: string): string =>
  `<annotation name="org.gtk.GDBus.DocString" value="${text.replaceAll('"', "&quot;")}"/>`;

const v1 = (name: string, extra: string): string =>
  `  <interface name="${name}.v1">
    ${
    doc(
      "Everything that the older interface cannot express. Texts are JSON of schema 1; times are milliseconds since 1970.",
    )
  }
    <method name="state">
      ${
    doc("Each controller with its sources, phase, last failure and next try; the configuration's findings.")
  }
      <arg name="state_json" type="s" direction="out"/>
    </method>
    <method name="plan">
      ${doc("What would be connected and disconnected, and why. Nothing is done.")}
      <arg name="config" type="s" direction="in">
        ${doc("Text of a configuration file to try; empty: the configuration in force.")}
      </arg>
      <arg name="plan_json" type="s" direction="out"/>
    </method>
    <method name="explain">
      ${doc("Why a controller is connected, waiting, failing, excluded or was disconnected.")}
      <arg name="what" type="s" direction="in">
        ${doc("An NQN, an address, a device (nvme3) or a transport id.")}
      </arg>
      <arg name="explanation_json" type="s" direction="out"/>
    </method>
    <method name="health">
      ${doc("Good or degraded, with the problems and their remedies.")}
      <arg name="health_json" type="s" direction="out"/>
    </method>
    <method name="report_begin">
      ${
    doc(
      "Begins a report: the last events, the state that they began from, and the last log lines, without secrets. Root only.",
    )
  }
      <arg name="begun_json" type="s" direction="out"/>
    </method>
    <method name="report_piece">
      ${
    doc(
      "The next piece of the report's JSON text; empty after the last one. A caller reads one report at a time. Root only.",
    )
  }
      <arg name="report" type="t" direction="in">
        ${doc("The number from report_begin.")}
      </arg>
      <arg name="piece" type="s" direction="out"/>
    </method>
${extra}    <signal name="event">
      ${doc("Something happened to a controller, or to the daemon.")}
      <arg name="event_json" type="s"/>
    </signal>
  </interface>
`;

const STAF_METHODS = `  <interface name="org.nvmexpress.staf">
    <method name="list_controllers">
      <arg name="detailed" type="b" direction="in"/>
      <arg name="controller_list" type="aa{ss}" direction="out"/>
    </method>
    <method name="get_log_pages">
${TID_ARGS}
      <arg name="log_pages" type="aa{ss}" direction="out"/>
    </method>
    <method name="get_all_log_pages">
      <arg name="detailed" type="b" direction="in"/>
      <arg name="log_pages_json" type="s" direction="out"/>
    </method>
    <signal name="log_pages_changed">
      <arg name="transport" type="s"/>
      <arg name="traddr" type="s"/>
      <arg name="trsvcid" type="s"/>
      <arg name="subsysnqn" type="s"/>
      <arg name="host_traddr" type="s"/>
      <arg name="host_iface" type="s"/>
      <arg name="host_nqn" type="s"/>
      <arg name="device" type="s"/>
    </signal>
    <signal name="dc_removed"/>
  </interface>
`;

const STAC_METHODS = `  <interface name="org.nvmexpress.stac">
    <method name="list_controllers">
      <arg name="detailed" type="b" direction="in"/>
      <arg name="controller_list" type="aa{ss}" direction="out"/>
    </method>
  </interface>
`;

const PAGES = `    <method name="pages">
      ${
  doc(
    "All discovery log pages as stacd needs them: whether each has been read, which page it is, which DCs were dropped.",
  )
}
      <arg name="pages_json" type="s" direction="out"/>
    </method>
    <method name="page_index">
      ${
  doc(
    "The same without the entries: how many there are, and how long. Use page_entries to fetch one page at a time.",
  )
}
      <arg name="index_json" type="s" direction="out"/>
    </method>
    <method name="page">
      ${doc("One discovery controller with the entries of its log page as texts, or null.")}
${TID_ARGS}
      <arg name="page_json" type="s" direction="out"/>
    </method>
    <method name="page_entries">
      ${
  doc("The same with the fields of the entries as the NVMe specification numbers them. stacd uses this.")
}
${TID_ARGS}
      <arg name="page_json" type="s" direction="out"/>
    </method>
`;

/** An argument that a caller gives. */
const given = (name: string, type: string, text: string): string =>
  `      <arg name="${name}" type="${type}" direction="in">
        ${doc(text)}
      </arg>
`;

const WHAT = given("what", "s", "As the person wrote it.");
const NAMES = given(
  "names",
  "as",
  "The controllers that it stands for: NQNs, addresses, devices, transport ids.",
);

/** A person's act on controllers. */
const act = (name: string, text: string, ...args: readonly string[]): string =>
  `    <method name="${name}">
      ${doc(text)}
${args.join("")}      <arg name="answer_json" type="s" direction="out"/>
    </method>
`;

const FORGET = act(
  "forget",
  "Drops discovery controllers that only mDNS announced and that are silent, as after zeroconf-connections-persistence. Refused for all others. Root only.",
  WHAT,
  NAMES,
  given("mode", "s", "ask (nothing is done) or do."),
);

const DRAIN = act(
  "drain",
  "Takes controllers out for a while; they are disconnected, and not connected again until the drain ends. Refused when something in use would be left without a usable path. Root only.",
  given("what", "s", "As the person wrote it: the name of the drain."),
  NAMES,
  given("term_ms", "t", "Milliseconds; 0: until undrain or a reboot."),
  given("mode", "s", "ask (nothing is done), do, or force (controllers in use are disconnected, too)."),
);

const UNDRAIN = act(
  "undrain",
  "Ends a drain. Root only.",
  `      <arg name="what" type="s" direction="in"/>
      <arg name="names" type="as" direction="in"/>
`,
);

const RENEW = act(
  "renew",
  "Gives live connections the options of the file: new keys by the kernel's own authentication, all else path after path. Refused when something in use would be left without a usable path. Root only.",
  WHAT,
  NAMES,
  given(
    "mode",
    "s",
    "ask (nothing is done), do, the same with -reconnect (path after path in any case), watch (how far is it), or stop (begin no other path).",
  ),
);

export const STAF_XML = `${DOCTYPE}<node>\n${STANDARD}${STAF_METHODS}${debug(STAF.name)}${
  v1(STAF.name, PAGES + FORGET)
}</node>\n`;
export const STAC_XML = `${DOCTYPE}<node>\n${STANDARD}${STAC_METHODS}${debug(STAC.name)}${
  v1(STAC.name, DRAIN + UNDRAIN + RENEW)
}</node>\n`;
