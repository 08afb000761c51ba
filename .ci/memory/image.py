"""What is in a linked image for Arm: symbols, instructions, the functions behind each, sizes of stack frames. Read by
binutils; what it means is elsewhere."""

import collections
import re
import struct
import subprocess

from elf import Elf

TOOLS = "arm-none-eabi-"

Symbol = collections.namedtuple("Symbol", "address size kind name")
Instruction = collections.namedtuple("Instruction", "address size op arguments function")
Frame = collections.namedtuple("Frame", "function file line")


def tool(name, *arguments, text=None):
    result = subprocess.run([TOOLS + name, *arguments], input=text, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{TOOLS}{name} failed: {result.stderr.strip()}")
    return result.stdout


class Image(Elf):
    def __init__(self, path):
        super().__init__(path)
        self.symbols = self._symbols()
        self.code, self.names = self._disassemble()
        self.frames = self._frames()
        self.stack_sizes = self._stack_sizes()

    def text(self, address, length):
        return self.at(address, length).decode()

    def address_of(self, name):
        return next((symbol.address for symbol in self.symbols if symbol.name == name), None)

    def size_of_symbols(self, pattern):
        """Bytes of all variables whose name matches."""
        wanted = re.compile(pattern)
        return sum({s.address: s.size for s in self.symbols if s.kind in "bBdD" and wanted.search(s.name)}.values())

    def table(self, name, row):
        """Rows of a table as the crate `calls` makes them, `row` words each."""
        start = self.address_of(name)
        if start is None or self.word(start) != 0x5A17AB1E:
            raise SystemExit(f"{self.path} has no table {name}")
        words = [self.word(start + 8 + 4 * i) for i in range(self.word(start + 4) * row)]
        return [words[i : i + row] for i in range(0, len(words), row)]

    def literals(self):
        """Instructions that load a constant word, or the address of one, and what they load."""
        for instruction in self.code:
            match = re.search(r"@ \(([0-9a-f]+)(?: <.*>)?\)", instruction.arguments)
            if match:
                at = int(match[1], 16)
                value = self.word(at) if instruction.op.startswith("ldr") else at
                if value is not None:
                    yield instruction.address, value

    def _symbols(self):
        symbols = []
        for line in tool("nm", "-S", "-C", "--defined-only", self.path).splitlines():
            match = re.match(r"([0-9a-f]{8}) (?:([0-9a-f]{8}) )?(\w) (.*)$", line)
            if match:
                symbols.append(Symbol(int(match[1], 16), int(match[2] or "0", 16), match[3], match[4]))
        return symbols

    def _disassemble(self):
        code, names, function = [], {}, None
        for line in tool("objdump", "-d", "-C", "--no-show-raw-insn", "-w", self.path).splitlines():
            head = re.match(r"^([0-9a-f]{8}) <(.*)>:$", line)
            if head:
                function = int(head[1], 16)
                names[function] = head[2]
                continue
            body = re.match(r"^\s*([0-9a-f]+):\t(\S+)(?:\s+(.*))?$", line)
            if body and function is not None:
                code.append(Instruction(int(body[1], 16), 0, body[2], body[3] or "", function))
        ends = [following.address for following in code[1:]] + [code[-1].address + 2]
        sized = []
        for instruction, end in zip(code, ends):
            size = end - instruction.address
            sized.append(instruction._replace(size=size if size <= 64 else 2))  # behind it is another section
        return sized, names

    def _frames(self):
        """For each instruction the functions it stands in, innermost first: those inlined, then the real one."""
        asked = "\n".join(f"{instruction.address:x}" for instruction in self.code)
        frames, current, function = {}, None, None
        for line in tool("addr2line", "-a", "-f", "-i", "-C", "-e", self.path, text=asked).splitlines():
            if re.fullmatch(r"0x[0-9a-f]{8}", line):
                current, function = frames.setdefault(int(line, 16), []), None
            elif function is None:
                function = line
            else:
                file, _, number = line.split(" (disc")[0].rpartition(":")
                current.append(Frame(function, file, number))
                function = None
        return frames

    def _stack_sizes(self):
        """Of each function that the compiler told one of (`-Z emit-stack-sizes`): an address and a ULEB128 each."""
        section = self.section(".stack_sizes")
        sizes, raw, i = {}, self.contents(section) if section else b"", 0
        while i + 4 < len(raw):
            address, = struct.unpack_from("<I", raw, i)
            i, size, shift = i + 4, 0, 0
            while True:
                byte = raw[i]
                i, size, shift = i + 1, size | (byte & 127) << shift, shift + 7
                if not byte & 128:
                    break
            sizes[address & ~1] = size
        return sizes
