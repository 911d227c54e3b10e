/** What to do with daemons that stay on the demo's private bus. */

/** How the tools reach them from another terminal. */
export const howToUse = (address: string): string =>
  `The daemons run on a private bus. In another terminal:

  export DBUS_SYSTEM_BUS_ADDRESS=${address}
  deno task run stacctl status

Ctrl-C here ends them.`;
