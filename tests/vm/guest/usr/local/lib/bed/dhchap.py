"""The controller's side of in-band authentication (DH-HMAC-CHAP with SHA-256, without a DH exchange), for fake-cdc.

One Authentication per connection: the host negotiates, is challenged, replies, and is told whether it may go on. With a
key of the controller it also proves to the host who it is. NVMe Base Specification, "Authentication".
"""
import base64
import hashlib
import hmac
import os
import struct
import zlib

COMMON, DHCHAP = 0, 1
NEGOTIATE, CHALLENGE, REPLY, SUCCESS1, SUCCESS2, FAILURE2, FAILURE1 = 0, 1, 2, 3, 4, 0xf0, 0xf1
FAILED, NOT_USABLE = 1, 2
SHA256, NO_DH = 1, 0
LENGTH = 32


def secret(text):
    """The key of a text DHHC-1:00:...: , which is used as it is."""
    form, transform, encoded = text.rstrip(':').split(':')
    data = base64.b64decode(encoded)
    key, check = data[:-4], struct.unpack('<I', data[-4:])[0]
    if form != 'DHHC-1' or transform != '00' or zlib.crc32(key) != check:
        raise ValueError('fake-cdc takes keys that are not transformed: nvme gen-dhchap-key --hmac=0')
    return key


class Authentication:
    """What has been said on one connection; `passed` when the host has proved its key, `log` is for the record."""

    def __init__(self, hostnqn, subnqn, key, ctrl_key):
        self.hostnqn, self.subnqn = hostnqn.encode(), subnqn.encode()
        self.key, self.ctrl_key = secret(key), secret(ctrl_key) if ctrl_key else None
        self.passed, self.log, self.next = False, [], b''
        self.nonce, self.seqnum, self.transaction = os.urandom(LENGTH), 1, 0

    def response(self, key, challenge, seqnum, who, first, second):
        said = challenge + struct.pack('<IHB', seqnum, self.transaction, 0) + who + first + b'\0' + second
        return hmac.new(key, said, hashlib.sha256).digest()

    def sent(self, data):
        """A message of the host (Authentication Send)."""
        kind, ident, self.transaction = struct.unpack_from('<BB2xH', data)
        if (kind, ident) == (COMMON, NEGOTIATE):
            self.log.append('negotiate')
            self.next = struct.pack('<BB2xHBxBBHI', DHCHAP, CHALLENGE, self.transaction, LENGTH, SHA256, NO_DH, 0,
                                    self.seqnum) + self.nonce
        elif (kind, ident) == (DHCHAP, REPLY):
            self.reply(data)
        elif (kind, ident) == (DHCHAP, SUCCESS2):
            self.log.append('the host knows the controller')
        elif ident == FAILURE2:
            self.log.append('the host does not believe the controller')
            self.passed = False
        else:
            self.fail(f'message {kind} {ident:#x}', NOT_USABLE)

    def reply(self, data):
        wants_proof, = struct.unpack_from('<B', data, 8)
        seqnum, = struct.unpack_from('<I', data, 12)
        given, nonce = data[16:16 + LENGTH], data[16 + LENGTH:16 + 2 * LENGTH]
        right = self.response(self.key, self.nonce, self.seqnum, b'HostHost', self.hostnqn, self.subnqn)
        if not hmac.compare_digest(given, right):
            return self.fail('wrong key', FAILED)
        self.log.append('right key')
        self.passed = True
        proof = b''
        if wants_proof:
            # Without a key of its own it can only guess.
            key = self.ctrl_key or os.urandom(LENGTH)
            proof = self.response(key, nonce, seqnum, b'Controller', self.subnqn, self.hostnqn)
        self.next = struct.pack('<BB2xHBxB7x', DHCHAP, SUCCESS1, self.transaction, LENGTH, 1 if proof else 0) + proof
        return None

    def fail(self, what, reason):
        self.log.append(what)
        self.passed = False
        self.next = struct.pack('<BB2xHBB', COMMON, FAILURE1, self.transaction, 1, reason)

    def wanted(self, size):
        """What the host is told next (Authentication Receive)."""
        return self.next[:size].ljust(size, b'\0')
