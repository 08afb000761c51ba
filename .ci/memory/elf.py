"""Sections and raw symbols of a 32-bit little-endian ELF file, of any processor."""

import collections
import struct

Section = collections.namedtuple("Section", "name address size is_loaded has_bytes offset")

# Flags and types of sections (ELF specification, "Sections").
ALLOC, NOBITS, SYMTAB = 2, 8, 2


class Elf:
    def __init__(self, path):
        self.path = str(path)
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.sections = self._sections()

    def section(self, name):
        return next((section for section in self.sections if section.name == name), None)

    def size_of(self, *names):
        return sum(section.size for section in self.sections if section.name in names)

    def contents(self, section):
        return self.bytes[section.offset : section.offset + section.size]

    def at(self, address, size):
        """Bytes of the file that are loaded at an address; empty if there are none."""
        for section in self._placed:
            if section.address <= address < section.address + section.size:
                start = section.offset + address - section.address
                return self.bytes[start : min(start + size, section.offset + section.size)]
        return b""

    def word(self, address):
        found = self.at(address, 4)
        return struct.unpack("<I", found)[0] if len(found) == 4 else None

    def raw_symbols(self):
        """Names as they stand in the file, with address and size."""
        for kind, (_, _, _, _, offset, size, link, *_) in self._headers:
            if kind == SYMTAB:
                strings = self._headers[link][1][4]
                for at in range(offset, offset + size, 16):
                    name, address, length, *_ = struct.unpack_from("<3I", self.bytes, at)
                    if name:
                        yield self._text(strings + name), address, length

    def _text(self, at):
        return self.bytes[at : self.bytes.index(b"\0", at)].decode()

    def _sections(self):
        offset, = struct.unpack_from("<I", self.bytes, 0x20)
        size, count, names = struct.unpack_from("<HHH", self.bytes, 0x2E)
        raw = [struct.unpack_from("<10I", self.bytes, offset + i * size) for i in range(count)]
        self._headers = [(header[1], header) for header in raw]
        strings = raw[names][4]
        sections = [
            Section(self._text(strings + name), address, length, bool(flags & ALLOC), kind != NOBITS, at)
            for name, kind, flags, address, at, length, *_ in raw
        ]
        self._placed = [s for s in sections if s.is_loaded and s.has_bytes and s.size]
        return sections
