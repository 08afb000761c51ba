"""One connection as the system has it, asked for by its ends (`sock_diag(7)`). The table of all in `/proc` is long in a flood, and leaves some
out while others come and go."""

import errno
import socket
import struct

REQUEST, BY_FAMILY, ERROR = 1, 20, 2
ANY_COOKIE = 0xFFFFFFFF
LISTEN = 10


def look(host, port, peer, peer_port):
    """The number of the socket at `host` and `port`, 0 if no file is open on it; and the bytes that its peer has not taken. None: there is no
    such connection."""
    ends = struct.pack("!HH16s16s", port, peer_port, socket.inet_aton(host), socket.inet_aton(peer))
    wanted = struct.pack("BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, ANY_COOKIE) + ends + struct.pack("III", 0, ANY_COOKIE, ANY_COOKIE)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 4) as netlink:  # NETLINK_SOCK_DIAG
        netlink.send(struct.pack("IHHII", 16 + len(wanted), BY_FAMILY, REQUEST, 1, 0) + wanted)
        answer = netlink.recv(8192)
    if struct.unpack_from("H", answer, 4)[0] == ERROR:
        code = -struct.unpack_from("i", answer, 16)[0]
        if code == errno.ENOENT:
            return None
        raise OSError(code, "the system does not tell of its connections")
    if answer[17] == LISTEN:  # who would be asked for one
        return None
    *_, untaken, _, inode = struct.unpack_from("IIIII", answer, 16 + 52)
    return inode, untaken
