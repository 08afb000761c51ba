"""Who calls whom in an image: direct calls by the disassembly, calls through pointers by what they are for. How deep the
stack gets is `stack`'s."""

import collections
import re

# How a pointer comes to where it is called. Lent: a function that waits for the call has made it, and is on the stack still, as
# it lends what is in its frame or its future. Kept: some function beneath the same root has made it. Such calls lead to no
# more than what was made there; all others lead wherever they may.
LENT, KEPT, ANY = "lent", "kept", "any"

# Calls through pointers: of which kind one is, by the innermost functions around it; where such a call may lead, by name; and
# how the pointer comes there.
WRITE, CLOSURE = r"ws_embassy::link::Link<.*>", r"\{closure#0\}::\{closure#\d\}"
POINT, VISIT = r"server::push::Push<.*> as ws_embassy::server::push::sealed::Point>", r"\{closure#0\}::\{closure#0\}"
TELL = r"\{closure#0\}::\{closure#1\}::\{closure#0\}"
KINDS = tuple(
    (kind, re.compile(around), re.compile(leads), next(iter(how), ANY))
    for kind, around, leads, *how in (
        ("waker", r"core::task::wake::", r"^embassy_executor::raw::waker::"),
        # Where a waker is dropped, or woken, in what was inlined and has no name of its own any more.
        ("waker", r"drop_in_place::<.*smoltcp::socket::Socket|Signal<.*>::poll_wait", r"^embassy_executor::raw::waker::"),
        ("task", r"RunQueue|SyncExecutor|raw::Executor>?::poll", r"TaskStorage<.*>>::poll$"),
        ("frame to put", rf"{WRITE}::encode", rf"^<{WRITE}>::\w+::{CLOSURE}|push::Following>::run::<.*>::{TELL}", LENT),
        ("message to deflate", r"link::State<.*>::send", r" as ws_embassy::codec::Deflate<.*>>::send$"),
        ("message to inflate", r"split::receive_up_to", r" as ws_embassy::codec::Inflate<.*>>::(decode|wants_receive)$"),
        ("compression to put", r"compression::(Answer|Offer)>::put", r"^ws_core::handshake::compression::put"),
        ("compression to confirm", r"compression::Offer>::confirm", r"^ws_core::handshake::compression::confirm$"),
        ("piece to take", r"ws_embassy::split::decode_by", rf"^ws_embassy::split::(?!receive_up_to)\w+::<.*{CLOSURE}", LENT),
        ("head to put", r"ws_embassy::open::write", rf"^<?ws_embassy::(?!open::write\b|server::push::Following)(open|server|client)::.*::{CLOSURE}", LENT),
        ("line to check", r"HeadReader>::end_line", r"^ws_core::http::head::check_\w+_line$", KEPT),
        ("body to put", r"http::stream::Chunks>::write", r"visit::Visit>::transmit::<.*>::\{closure#\d\}$|^whole::http::.*closure"),
        ("log out", r"defmt_rtt::channel::Channel>::write_all", r"^<defmt_rtt::channel::Channel>::(non)?blocking_write"),
        ("use of a socket", r"transport::budget::Budget<.*>>::enter::", r"transport::budget::(Use>::is_long|Budget<.*>>::enter::\{closure#[1-9]\}(?!::\{closure#0\}::))"),
        # A `Push`, whatever its sizes; where an image has none, nothing is called.
        ("message to take", rf"{POINT}::receive", rf"{POINT}::receive::.*closure|server::Server.*>::visit::<.*>::{VISIT}$", LENT),
        ("outlet to lend", rf"{POINT}::lend", rf"push::Following>::run::<.*>::{VISIT}::\{{closure#\d\}}(?!::)", LENT),
        ("push", r"server::(push::(Following|changed)|visits::(Visiting|transmit)|choice::\w+|Server.*>::(visit|choose|weigh|begin_visit))", POINT),
        ("outlet", r"device::Device>::hear", r"hub::Hub<.*> as ws_core::transport::hub::Outlet>::"),
        ("random", r"device::feed::Random as .*::fill", r"^qemu::fill$|^pico_w::.*main.*closure.*call_once$|RoscRng"),
        ("event to tell", r"client::Client>::tell", r"^$"),  # the application's own
        ("time stamp", r"TcpTimestampRepr>::generate_reply", r"^$"),  # embassy-net gives smoltcp none
        ("text out", r"Formatter>::(write|pad)|fmt::Write", r" as core::fmt::Write>::"),
        ("text", r"core::fmt::|core::panic", r" as core::fmt::\w+>::fmt"),
    )
)
# What begins a panic: the program ends behind it.
PANICS = re.compile(
    r"^<?core::(?:panicking::|(?:option|result)::\w*_failed|cell::panic_|str::slice_error|slice::.*fail)"
    r"|len_mismatch_fail|do_panic|^rust_begin_unwind|^defmt::export::panic"
)
# A panic that the compiler puts into every future, should it be polled once more when it is done.
RESUMED = re.compile(r"panic_const::panic_const_(?:async_fn|coroutine|async_gen_fn)_resumed")

Site = collections.namedtuple("Site", "address function frames")


class Graph:
    def __init__(self, image):
        self.image = image
        self.calls = collections.defaultdict(lambda: collections.defaultdict(list))  # caller, callee: addresses
        self.indirect = []  # kind or None, and the site
        self.handed = collections.defaultdict(dict)  # caller, callee: lent or kept, where no other call leads there
        self.made = collections.defaultdict(set)  # functions of which a pointer is made, by the function that makes it
        self.loaded = {}  # by register, what address of a function it holds, as far as the text of the function tells
        for last, instruction in zip((None, *image.code), image.code):
            if last is None or last.function != instruction.function:
                self.loaded.clear()
            self._read(instruction)
            self._load(instruction)
        self._resolve()

    def unresolved(self):
        return [site for kind, site in self.indirect if kind is None]

    def name(self, function):
        return self.image.names.get(function, hex(function))

    def is_panic(self, function):
        return bool(PANICS.search(self.name(function)))

    def _read(self, instruction):
        op, caller = instruction.op, instruction.function
        target = re.match(r"([0-9a-f]+) <", instruction.arguments)
        if target and op in ("bl", "b", "b.n", "b.w"):
            callee = int(target[1], 16)
            # Elsewhere it is a jump, or a call of what is nowhere. A call at the end may be a jump, without a condition.
            if callee in self.image.names and (callee != caller or op == "bl"):
                self.calls[caller][callee].append(instruction.address)
        elif op == "blx" and instruction.arguments.strip() in self.loaded:
            # Where size counts, a function that is called often is named once.
            self.calls[caller][self.loaded[instruction.arguments.strip()]].append(instruction.address)
        elif op in ("blx", "bx") and instruction.arguments.strip() != "lr":
            frames = self.image.frames.get(instruction.address, [])
            self.indirect.append((kind_of(frames), Site(instruction.address, caller, frames)))

    def _load(self, instruction):
        op, arguments = instruction.op, instruction.arguments
        if op.startswith(("bl", "pop", "ldm")):
            changed = re.findall(r"r\d+", arguments) if op.startswith(("pop", "ldm")) else ("r0", "r1", "r2", "r3")
            for register in changed:
                self.loaded.pop(register, None)
        elif not op.startswith(("str", "stm", "push", "cmp", "cmn", "tst", "b")):
            register = arguments.partition(",")[0].strip()
            self.loaded.pop(register, None)
            literal = re.search(r"@ \(([0-9a-f]+)(?: <.*>)?\)", arguments)
            value = self.image.word(int(literal[1], 16)) if literal and op.startswith("ldr") else None
            if value and value & 1 and value & ~1 in self.image.names:
                self.loaded[register] = value & ~1

    def _resolve(self):
        handed = set()
        for kind, _, leads, how in KINDS:
            targets = [address for address, name in self.image.names.items() if leads.search(name)]
            handed.update(targets if how != ANY else ())
            for _, site in (found for found in self.indirect if found[0] == kind):
                for target in targets:
                    if how != ANY and target not in self.calls[site.function]:
                        self.handed[site.function][target] = how
                    self.calls[site.function][target].append(site.address)
        functions = {instruction.address: instruction.function for instruction in self.image.code}
        for address, value in self.image.literals():
            # The function itself, or a table of functions: what drops it, its size, its alignment, and what calls it.
            words = (value, *(self.image.word(value + 4 * i) for i in range(3, 6)))
            self.made[functions[address]].update(handed & {word & ~1 for word in words if word})


def kind_of(frames):
    for frame in frames[:4]:
        for kind, around, *_ in KINDS:
            if around.search(frame.function):
                return kind
    return None
