/** Error messages of the tools: the cause, and the remedy. One line each (CLI-11, CLI-12). */
import { type BusError, BusErrors } from "../lib/dbus/bus_types.ts";

/** The bus could not be reached at all. */
export function busFailure(error: BusError): string {
  switch (error.name) {
    case BusErrors.accessDenied:
      return `${error.message}: access to the D-Bus socket is denied; ask the administrator of this machine, or use sudo`;
    case BusErrors.timeout:
      return `${error.message}; see: systemctl status dbus`;
    default:
      return `${error.message}; start it: systemctl start dbus.socket`;
  }
}

/** The bus answers, but the call failed. `what` describes the call: "change tron". */
export function callFailure(daemon: string, what: string, error: BusError): string {
  switch (error.name) {
    case BusErrors.serviceUnknown:
    case BusErrors.nameHasNoOwner:
      return `cannot reach ${daemon} over D-Bus: is it running? start it: systemctl start ${daemon}`;
    case BusErrors.accessDenied:
      return `access denied: ${daemon} does not let you ${what}; only root may: use sudo`;
    case BusErrors.noReply:
    case BusErrors.timeout:
      return `${daemon} did not answer (${error.message}); see: journalctl -u ${daemon}`;
    case BusErrors.disconnected:
      return `the connection to the D-Bus system bus ended before ${daemon} answered; try again`;
    case BusErrors.unknownInterface:
    case BusErrors.unknownMethod:
      return `the running ${daemon} cannot ${what}: it is of another version; update it, or: systemctl restart ${daemon}`;
    default:
      return `cannot ${what}: ${daemon} says: ${error.message}`;
  }
}

/** For `doctor`: the remedy when the bus cannot be reached. */
export function busRemedy(error: BusError): string {
  switch (error.name) {
    case BusErrors.accessDenied:
      return "sudo; or ask the administrator of this machine for access to the D-Bus socket";
    case BusErrors.timeout:
      return "systemctl status dbus";
    default:
      return "systemctl start dbus.socket";
  }
}

/** For `doctor`: the remedy when the daemon does not answer. */
export function callRemedy(daemon: string, error: BusError): string {
  switch (error.name) {
    case BusErrors.unknownInterface:
    case BusErrors.unknownMethod:
      return `systemctl restart ${daemon}, or install the version of ${daemon} that this tool belongs to`;
    case BusErrors.accessDenied:
      return "sudo";
    case BusErrors.noReply:
    case BusErrors.timeout:
      return `journalctl -u ${daemon}`;
    default:
      return `systemctl status ${daemon}`;
  }
}
