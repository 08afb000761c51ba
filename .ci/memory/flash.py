"""Whose the flash is. Code: instruction by instruction, by the functions inlined there. Constants: piece by piece, from one
address that something names to the next, by the code that names it; what is named by a distance from another piece counts as
a part of that one."""

import bisect
import collections
import functools
import re
import zlib

from origin import OURS, STANDARD, owner, package

# What is linked into flash beside `.text` and `.rodata`: vectors, second boot stage, first values of variables.
OTHERS = (".vector_table", ".boot2", ".data", ".ARM.exidx", ".gnu.sgstubs")


class Flash:
    """`text` and `constants`: bytes by whose they are. `lent`: those of functions of `core` that nobody but us calls; they
    came compiled, and are not in `text`."""

    def __init__(self, image, graph):
        self.image, self.graph = image, graph
        self.code = {i.address: owner(image.frames.get(i.address, ())) for i in image.code}
        self.lent = set()
        self._lend()
        self.text = collections.Counter()
        for instruction in image.code:
            self.text[self.code[instruction.address]] += instruction.size
        self.constants = collections.Counter()
        self.pieces = self._pieces()
        for size, who in self.pieces.values():
            self.constants[who] += size
        self.total = image.size_of(".text", ".rodata", *OTHERS)

    def bytes_of(self, *names):
        return sum(self.text[name] + self.constants[name] for name in names)

    def bytes_lent(self):
        return sum(i.size for i in self.image.code if i.function in self.lent)

    def _lend(self):
        """Functions of Rust's own whose name has a type of ours in it are ours; those that nobody but us calls, or names, are
        lent to us."""
        callers = collections.defaultdict(set)
        for caller, callees in self.graph.calls.items():
            for callee, sites in callees.items():
                callers[callee].update(sites)
        for place, value in self.image.literals():
            if value & ~1 in self.image.names:
                callers[value & ~1].add(place)
        functions = collections.defaultdict(list)
        for instruction in self.image.code:
            functions[instruction.function].append(instruction.address)
        lone = [f for f, sites in functions.items() if all(self.code[site] == STANDARD for site in sites)]
        for function in lone:
            if match := re.search(r"\bws_(core|embassy)::", self.image.names[function]):
                self.code.update(dict.fromkeys(functions[function], "ws-" + match[1]))
        changed = True
        while changed:
            changed = False
            for function in set(lone) - self.lent:
                sites = callers[function] - set(functions[function])
                if sites and all(self.code.get(site) in OURS or self._is_lent(site) for site in sites):
                    self.lent.add(function)
                    changed = True

    def _is_lent(self, address):
        return self.functions_by_address().get(address) in self.lent

    @functools.cache
    def functions_by_address(self):
        return {instruction.address: instruction.function for instruction in self.image.code}

    def _pieces(self):
        """Of each piece of `.rodata`, from one address that something names to the next: its size, and whose it is."""
        section = self.image.section(".rodata")
        start, end = section.address, section.address + section.size
        users = collections.defaultdict(set)
        for place, value in self.image.literals():
            if start <= value < end:
                users[value].add(self.code[place])
        for symbol in self.image.symbols:
            if start <= symbol.address < end:
                users[symbol.address].update(self._whose(symbol))
        users.setdefault(start, set())
        starts = sorted(users)
        # Words in constants that point to constants; and in variables.
        links = collections.defaultdict(set)
        for area in (self.image.section(".rodata"), self.image.section(".data")):
            if area:
                for address in range(area.address & ~3, area.address + area.size - 3, 4):
                    value = self.image.word(address)
                    if value is not None and start <= value < end and self._is_table(address, start, end):
                        links[value].add(address)
        for value in links:
            users.setdefault(value, set())
        starts = sorted(users)
        piece_of = lambda address: starts[bisect.bisect_right(starts, address) - 1]
        for value, places in links.items():
            if self._is_page(value):  # whatever lists a part of the page is a part of it
                users.update({piece_of(place): {"page"} for place in places if start <= place < end})
        changed = True
        while changed:
            changed = False
            for value, places in links.items():
                for place in places:
                    if start <= place < end:
                        more = users[piece_of(place)] - users[value]
                        if more:
                            users[value] |= more
                            changed = True
        pieces = {}
        for address, following in zip(starts, starts[1:] + [end]):
            pieces[address] = (following - address, self._blame(users[address], address, following - address))
        return pieces

    def _is_table(self, address, start, end):
        """Text may look like an address; a table has more of its kind, or a length, beside it."""
        size = self.image.word(address + 4)
        return size is not None and (size < 0x4000 or start <= size < end)

    def _whose(self, symbol):
        """Of a named constant: the crate in its name."""
        name = re.match(r"<?([a-z_0-9]+)::", symbol.name)
        known = {"ws_core": "ws-core", "ws_embassy": "ws-embassy", "pico_w": "board", "qemu": "board"}
        return {known.get(name[1], name[1].replace("_", "-"))} if name else set()

    def _blame(self, users, address, size):
        data = self.image.at(address, size)
        if self._is_page(address):
            return "page"
        if data.startswith(b"BLOB"):
            return "board"
        # Where a panic would come from: theirs whose source it is, whoever has it inlined.
        if source := self._source(address, size):
            return package(source)
        users = users - {STANDARD} or users
        ours = users & OURS
        if len(users) == 1:
            return min(users)
        if ours:
            return min(ours)  # shared: counted as ours
        return "several" if users else "unknown"

    def _is_page(self, address):
        """A compressed stream, or the policy that belongs to it."""
        return self.image.at(address, 13).startswith((b"\x1f\x8b\x08", b"default-src '"))

    def _source(self, address, size):
        """The path of a source file: of which a piece is the text, or a place in it (its text, line and column)."""
        text = self.image.at(address, size).rstrip(b"\0")
        if size == 16 and text:
            text = self.image.at(self.image.word(address), min(self.image.word(address + 4), 300))
        return text.decode() if re.fullmatch(rb"/[ -~]+\.rs", text) else None

    def page(self):
        """Length of the compressed page, which is found by its first bytes, and of all that belongs to it."""
        for address, (size, who) in self.pieces.items():
            if who == "page" and self.image.at(address, 3) == b"\x1f\x8b\x08":
                stream = zlib.decompressobj(31)
                data = self.image.at(address, size)
                stream.decompress(data)
                return len(data) - len(stream.unused_data), self.constants["page"]
        raise SystemExit(f"{self.image.path}: the page is not found")
