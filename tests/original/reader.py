"""What the Python implementation's own parser makes of configurations: one JSON line in, one out.

Its libraries are stubbed: nothing of them takes part in reading a file. Started with the folder of its package.
"""
import ast
import json
import logging
import os
import sys
import tempfile
import types
from unittest import mock

PACKAGES = sys.argv[1]
HOST_NQN = sys.argv[2]


class Stub(types.ModuleType):
    """A module that has everything."""

    __path__ = ()

    def __getattr__(self, name):
        return mock.MagicMock(name=name)


for name in (
    'dasbus', 'dasbus.connection', 'gi', 'gi.repository', 'libnvme', 'libnvme.nvme', 'systemd', 'systemd.daemon',
):
    sys.modules[name] = Stub(name)
sys.modules['gi.repository'].GObject = types.SimpleNamespace(Object=object)
sys.path.insert(0, PACKAGES)
logging.disable(logging.CRITICAL)

from staslib import conf, stas, timeparse, trid  # noqa: E402

conf.SysConf.hostnqn = property(lambda self: HOST_NQN)


def defaults_of(name):
    """The defaults that the daemon gives to its parser, from its source."""
    with open(os.path.join(PACKAGES, 'staslib', 'service.py'), encoding='utf-8') as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Assign) and getattr(inner.targets[0], 'id', '') == 'default_conf':
                    code = compile(ast.Expression(inner.value), 'service.py', 'eval')
                    return lambda: eval(code, {'timeparse': timeparse})  # pylint: disable=eval-used
    raise LookupError(name)


DEFAULTS = {'stafd': defaults_of('Staf'), 'stacd': defaults_of('Stac')}
OVERRIDES = (
    'kato', 'queue-size', 'hdr-digest', 'data-digest', 'nr-io-queues', 'nr-write-queues', 'nr-poll-queues',
    'ctrl-loss-tmo', 'disable-sqflow', 'reconnect-delay', 'dhchap-secret', 'dhchap-ctrl-secret',
)


def attempt(work):
    """What it gives, or the exception that it ends the daemon with."""
    try:
        value = work()
    except Exception as ex:  # pylint: disable=broad-except
        return {'raises': type(ex).__name__}
    if isinstance(value, (set, tuple)):
        value = sorted(value)
    if isinstance(value, float) and not abs(value) < 1e300:
        value = str(value)
    return value


def values_of(svc, daemon):
    names = ['tron', 'ignore-iface', 'ip-family'] + list(OVERRIDES[:-2])
    found = {name: attempt(lambda name=name: svc.get_option('Global', name)) for name in names}
    if daemon == 'stafd':
        found['pleo'] = attempt(lambda: svc.pleo_enabled)
        found['zeroconf'] = attempt(lambda: svc.zeroconf_enabled)
        found['persistent-connections'] = attempt(lambda: svc.persistent_connections)
        found['zeroconf-connections-persistence'] = attempt(lambda: svc.zeroconf_persistence_sec)
    else:
        found['disconnect-scope'] = attempt(lambda: svc.disconnect_scope)
        found['disconnect-trtypes'] = attempt(lambda: sorted(svc.disconnect_trtypes))
        found['connect-attempts-on-ncc'] = attempt(lambda: svc.connect_attempts_on_ncc)
    return found


def controller_of(svc, daemon, cid):
    """As Staf and Stac do after they have read the file."""
    tid = trid.TID(cid)
    mandatory = [tid.transport, tid.traddr, tid.trsvcid] + ([tid.subsysnqn] if daemon == 'stacd' else [])
    if '' in mandatory or tid.transport not in ('tcp', 'rdma', 'fc', 'loop'):
        return None
    ip = conf.iputil.get_ipaddress_obj(tid.traddr) if tid.transport in ('tcp', 'rdma') else None
    if ip is not None and ip.version not in svc.ip_family:
        return None
    found = {key: tid.cfg[key] for key in OVERRIDES if key in tid.cfg}
    found.update(tid.as_dict())
    return {key: value for key, value in found.items() if key in FIELDS}


FIELDS = set(OVERRIDES) | {
    'transport', 'traddr', 'trsvcid', 'subsysnqn', 'host-traddr', 'host-iface', 'host-nqn',
}


def read(case, pool):
    conf.SvcConf.destroy()
    handle, path = tempfile.mkstemp()
    try:
        with os.fdopen(handle, 'w', encoding='utf-8', newline='') as file:
            file.write(case['text'])
        daemon = case['daemon']
        svc = attempt(lambda: conf.SvcConf(DEFAULTS[daemon](), path))
        if isinstance(svc, dict):
            return {'rejected': svc['raises']}
        controllers = attempt(lambda: [controller_of(svc, daemon, cid) for cid in svc.get_controllers()])
        return {
            'values': values_of(svc, daemon),
            'written': attempt(lambda: list(svc.get_option('Controllers', 'controller'))),
            'controllers': controllers,
            'excludes': attempt(lambda: excludes(svc, pool)),
        }
    finally:
        os.unlink(path)


def excludes(svc, pool):
    """Each entry as it is written, and which of the pool it excludes by itself."""
    # The parser may add to the list that it hands out.
    written = list(svc.get_option('Controllers', 'exclude')) + list(svc.get_option('Controllers', 'blacklist'))
    tids = [trid.TID(cid).as_dict() for cid in pool]
    return [
        [text, [stas._excluded([entry], tid) for tid in tids]]  # pylint: disable=protected-access
        for text, entry in zip(written, svc.get_excluded())
    ]


def main():
    pool = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        print(json.dumps(read(json.loads(line), pool)))


main()
