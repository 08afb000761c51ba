"""Sizes by zlib itself, level 6. Standard input: messages, each with its length before it in four bytes. Arguments: window bits.
Prints its version, then for each number of bits what all messages compress to with context takeover, tails removed."""

import struct
import sys
import zlib

data = sys.stdin.buffer.read()
print(zlib.ZLIB_RUNTIME_VERSION)
for bits in map(int, sys.argv[1:]):
    deflater, at, size = zlib.compressobj(6, zlib.DEFLATED, -bits), 0, 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4 + length
        size += len(deflater.compress(data[at - length : at]) + deflater.flush(zlib.Z_SYNC_FLUSH)) - 4
    print(size)
