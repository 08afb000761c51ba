"""All mutants in one program: each is written beside the code that it replaces, behind a switch that is thrown at run time.

    a + b * c      becomes      (if crate::mutated(7) { a - b * c } else if crate::mutated(8) { a + b / c } else { a + b * c })

A function whose value is replaced returns it at its start; an arm of a match that is deleted, or whose guard is replaced, has a
guard that asks. So the compiler runs once instead of thousands of times, and a test tells which switches it passes by: a mutant
needs the tests alone that pass by its own."""

import collections
import re
from dataclasses import dataclass

import tree_sitter
import tree_sitter_rust

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))

# What `crate::mutated` is: appended to lib.rs.
SWITCH = """
extern crate std;
use std::io::Write as _;

static MUTANT: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(UNREAD);
const UNREAD: u32 = u32::MAX;
const TRACE: u32 = u32::MAX - 1;

/// Whether this process is that mutant.
#[inline(always)]
pub(crate) fn mutated(id: u32) -> bool {
    let mutant = MUTANT.load(core::sync::atomic::Ordering::Relaxed);
    mutant == id || mutant >= TRACE && ask(mutant, id)
}

/// The first time, which one it is; or notes each that is asked for.
#[cold]
fn ask(mutant: u32, id: u32) -> bool {
    static TRACED: [core::sync::atomic::AtomicBool; COUNT] = [const { core::sync::atomic::AtomicBool::new(false) }; COUNT];
    static FILE: std::sync::OnceLock<std::fs::File> = std::sync::OnceLock::new();
    if mutant == UNREAD {
        let wanted = std::env::var("MUTANT").map_or(TRACE, |id| id.parse().unwrap());
        MUTANT.store(wanted, core::sync::atomic::Ordering::Relaxed);
        return mutated(id);
    }
    if !TRACED[id as usize].swap(true, core::sync::atomic::Ordering::Relaxed) {
        let path = || std::env::var_os("MUTANTS_PASSED").unwrap();
        let file = FILE.get_or_init(|| std::fs::File::options().append(true).create(true).open(path()).unwrap());
        let mut file = file;
        file.write_all(std::format!("{id}\\n").as_bytes()).unwrap();
    }
    false
}
"""


@dataclass
class Edit:
    """Text before and after a range of the source, in which other edits may lie; or instead of it."""

    start: int
    end: int
    before: str
    after: str = ""
    order: int = 0
    instead: bool = False


def switched(source, mutants, const):
    """`source` with switches for `mutants`, pairs of an id and what cargo-mutants says of it; the ids of those for which there is no
    place; and of those that the compiler must refuse. No function is `const` any more, as nothing there could ask, but those named."""
    file = File(source)
    edits, wraps, guards, homeless, refused = file.runtime(const), {}, {}, set(), set()
    for id, mutant in mutants:
        start, end = file.place(mutant["span"]["start"]), file.place(mutant["span"]["end"])
        genre, replacement = mutant["genre"], mutant["replacement"]
        if "::std::" in replacement or replacement == "||" and file.node(start, end, "let_chain"):  # there is no `std`; and no such chain
            refused.add(id)
        elif file.const(start) in const or genre == "FnValue" and "impl " in mutant["function"]["return_type"]:  # of one type only
            homeless.add(id)
        elif genre == "FnValue":
            edits.append(Edit(start, start, branch(id, f"if {asks(id)} {{ return {replacement}; }}") + " "))
        elif genre in ("MatchArm", "MatchArmGuard"):
            arm = file.node(start, end, "match_arm")
            if arm and is_of(arm, mutant, start, end):
                guards.setdefault(arm.start_byte, (arm, {}))[1][replacement] = id
            else:
                homeless.add(id)
        else:
            node = file.node(start, end, {"StructField": "struct_expression", "UnaryOperator": "unary_expression"}.get(genre))
            if genre == "StructField" and node:  # with the comma behind it
                end += re.match(rb"\s*,?", source[end:]).end()
            while genre == "BinaryOperator" and node and node.type not in BINARY:
                node = node.parent
            # The operator that is put there may bind less: so as far as any such reaches.
            while genre == "BinaryOperator" and node and node.type == "binary_expression" and node.parent.type == "binary_expression":
                node = node.parent
            if node:
                text = (source[node.start_byte : start] + b" " + replacement.encode() + b" " + source[end : node.end_byte]).decode()
                wraps.setdefault((node.start_byte, node.end_byte), []).append((id, text))
            else:
                homeless.add(id)
    for (start, end), branches in wraps.items():
        ids = ",".join(str(id) for id, _ in branches)
        before = f"/*[{ids}*/(" + "".join(branch(id, f"if {asks(id)} {{ {text} }}") + " else " for id, text in branches) + "{ "
        edits.append(Edit(start, end, before, " })/*]*/", order=2))
    matches = collections.defaultdict(list)
    for arm, ids in guards.values():
        edits.append(guard(arm, ids))
        if "" in ids:
            matches[arm.parent.parent].append(ids[""])
    for match, ids in matches.items():  # what has a guard does not count for the compiler
        edits.append(Edit(match.start_byte, match.end_byte, f"/*[{','.join(map(str, ids))}*/", "/*]*/", order=3))
    return emit(source, edits), homeless, refused


BINARY = ("binary_expression", "compound_assignment_expr")


def is_of(arm, mutant, start, end):
    condition = arm.child_by_field_name("pattern").child_by_field_name("condition")
    if mutant["genre"] == "MatchArm":
        return arm.start_byte <= start and end <= arm.end_byte and mutant["span"]["start"]["line"] == arm.start_point[0] + 1
    return condition and (condition.start_byte, condition.end_byte) == (start, end)


def guard(arm, ids):
    """The guard of an arm, which may be deleted (``), or have its guard taken for `true` or `false`."""
    condition = arm.child_by_field_name("pattern").child_by_field_name("condition")
    before = branch(ids[""], f"!{asks(ids[''])}") if "" in ids else ""
    if not condition:
        at = arm.child_by_field_name("pattern").end_byte
        return Edit(at, at, f" if {before} ")
    before = f"/*[{','.join(map(str, ids.values()))}*/" + (before + " && (" if before else "(")
    before += branch(ids["true"], asks(ids["true"])) + " || " if "true" in ids else ""
    before += branch(ids["false"], "!" + asks(ids["false"])) + " && " if "false" in ids else ""
    return Edit(condition.start_byte, condition.end_byte, before + "(", "))/*]*/", order=1)


def asks(id):
    return f"crate::mutated({id})"


def branch(id, text):
    """Marked, so that what the compiler says of it is known to be of it."""
    return f"/*{{{id}*/{text}/*}}*/"


class File:
    def __init__(self, source):
        self.source, self.tree = source, PARSER.parse(source)
        self.lines = [0] + [match.end() for match in re.finditer(rb"\n", source)]

    def place(self, at):
        line = self.source[self.lines[at["line"] - 1] :].split(b"\n", 1)[0].decode()
        return self.lines[at["line"] - 1] + len(line[: at["column"] - 1].encode())

    def node(self, start, end, kind=None):
        """The smallest node there, of that kind if any is named."""
        node = self.tree.root_node.descendant_for_byte_range(start, max(start, end - 1))
        while kind and node and node.type != kind:
            node = node.parent
        return node

    def const(self, at):
        """The name of the function there, if it is `const`; as `Type::name` if it is of a type."""
        function = self.node(at, at, "function_item")
        name = function and function.child_by_field_name("name")
        if not function or not re.search(rb"\bconst\b", self.source[function.start_byte : name.start_byte]):
            return None
        of = function.parent.parent
        name = name.text.decode()
        return f"{plain(of.child_by_field_name('type').text.decode())}::{name}" if of and of.type == "impl_item" else name

    def runtime(self, const):
        """Takes the `const` from functions, but from those."""
        heads = [head for head in re.finditer(rb"\bconst (?=(?:unsafe )?fn\b)", self.source) if self.node(head.start(), head.start()).type == "const"]
        return [Edit(head.start(), head.end(), "", instead=True) for head in heads if self.const(head.start()) not in const]


def plain(path):
    """A path without its generic arguments: `Type::name` of `Type::<T>::name`."""
    while path != (path := re.sub(r"(::)?<[^<>]*>", "", path)):
        pass
    return path


def emit(source, edits):
    edits = sorted({(edit.start, edit.end, edit.before): edit for edit in edits}.values(), key=lambda edit: (edit.start, edit.start != edit.end, -edit.end, edit.order))
    out, ends, at = [], [], 0

    def close(until):
        nonlocal at
        while ends and ends[-1].end <= until:
            edit = ends.pop()
            out.append(b"" if edit.instead else source[at : edit.end])
            out.append(edit.after.encode())
            at = max(at, edit.end)

    for edit in edits:
        close(edit.start)
        out.append(source[at : edit.start])
        at = edit.start
        out.append(edit.before.encode())
        ends.append(edit)
    close(len(source))
    out.append(source[at:])
    return b"".join(out)


def at_fault(text, start, end):
    """The ids of the mutants whose text overlaps that range of what `switched` gave; or of those of the innermost expression there."""
    inside, around, branches, wraps = set(), [], [], []
    for match in re.finditer(rb"/\*(?:([{\[])([\d,]+)|([}\]]))\*/", text):
        if match[1]:
            (branches if match[1] == b"{" else wraps).append((match.start(), [int(id) for id in match[2].split(b",")]))
            continue
        begun, ids = (branches if match[3] == b"}" else wraps).pop()
        if match[3] == b"}" and begun < end and start < match.end():
            inside.update(ids)
        elif match[3] == b"]" and begun <= start and end <= match.end():
            around.append((match.end() - begun, ids))
    return inside, set(min(around)[1]) if around else set()
