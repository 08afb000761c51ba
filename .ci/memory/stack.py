"""The deepest that the stack gets, by the sizes of frames and the graph of calls."""

import functools
import re
import sys

from graph import KEPT, Graph
from origin import LIBRARIES, package

sys.setrecursionlimit(100_000)


class Depths:
    """Depths in one image. What follows the beginning of a panic is left out: it ends the program."""

    def __init__(self, image, graph=None):
        self.image = image
        self.graph = graph or Graph(image)
        self.frames = frames_of(image)
        self.disagreeing = [f for f, size in image.stack_sizes.items() if f in image.names and moved(image)[f] != size]
        self.edges = self._edges()
        self.followed = set()
        self.cycles = circles(self.edges)
        self.ours = self._ours()

    def deepest(self, function, ours=False):
        """Bytes, and the functions that take them. `ours`: of frames with code of ours alone, also of those that the network
        stack calls back. Functions that call each other in a circle count once each."""
        weigh = (lambda f: self.frames[f] if f in self.ours else 0) if ours else self.frames.__getitem__
        kept = frozenset().union(*(self.graph.made[member] for member in self.reachable(function)))
        memo = {}

        def walk(function, lent):
            members = self.cycles.get(function, (function,))
            lent = lent.union(*(self.graph.made[member] for member in members))
            if (members, lent) in memo:
                return memo[members, lent]
            best = (0, ())
            for member in members:
                handed = self.graph.handed.get(member, {})
                for callee in self.edges.get(member, ()):
                    made = kept if handed.get(callee) == KEPT else lent
                    if callee not in members and (callee not in handed or callee in made):
                        self.followed.add(callee)
                        best = max(best, walk(callee, lent), key=lambda found: found[0])
            memo[members, lent] = (sum(map(weigh, members)) + best[0], members + best[1])
            return memo[members, lent]

        return walk(function, frozenset())

    def not_followed(self):
        """Functions that are called through pointers handed on, and that nothing asked about leads to."""
        return {callee for handed in self.graph.handed.values() for callee in handed} - self.followed

    def reachable(self, function):
        found, todo = set(), [function]
        while todo:
            member = todo.pop()
            if member not in found:
                found.add(member)
                todo.extend(self.edges.get(member, ()))
        return found

    def _edges(self):
        """Of each function what it calls."""
        edges = {}
        for caller, callees in self.graph.calls.items():
            if not self.graph.is_panic(caller):
                edges[caller] = {callee for callee in callees if not self.graph.is_panic(callee)}
        return edges

    def _ours(self):
        """Functions with code of ours in them, be it inlined into what others have written."""
        return {
            instruction.function
            for instruction in self.image.code
            if any(package(frame.file) in LIBRARIES for frame in self.image.frames.get(instruction.address, ()))
        }


def frames_of(image):
    """Sizes of frames: as the compiler says, and for what came compiled, or is assembled by hand, by the instructions."""
    return {function: image.stack_sizes.get(function, moved(image)[function]) for function in image.names}


@functools.cache
def moved(image):
    """Bytes by which the instructions of each function move the stack pointer down, all of them added up."""
    sizes = dict.fromkeys(image.names, 0)
    for instruction in image.code:
        op, arguments = instruction.op, instruction.arguments
        if op == "push":
            sizes[instruction.function] += 4 * count(arguments)
        elif number := re.match(r"sp,(?: sp,)? #(-?)(\d+)", arguments):
            if op.startswith("sub") or (op.startswith("add") and number[1]):
                sizes[instruction.function] += int(number[2])
    return sizes


def count(registers):
    total = 0
    for part in registers.strip("{}").split(","):
        first, _, last = part.strip().partition("-")
        total += int(last[1:]) - int(first[1:]) + 1 if last else 1
    return total


def circles(edges):
    """Functions that can reach themselves, each with all of its circle (strongly connected components, after Tarjan)."""
    index, low, stack, found = {}, {}, [], {}

    def visit(function):
        index[function] = low[function] = len(index)
        stack.append(function)
        for callee in edges.get(function, ()):
            if callee not in index:
                visit(callee)
                low[function] = min(low[function], low[callee])
            elif callee in stack:
                low[function] = min(low[function], index[callee])
        if low[function] == index[function]:
            at = stack.index(function)
            members = tuple(sorted(stack[at:]))
            del stack[at:]
            if len(members) > 1 or function in edges.get(function, ()):
                found.update(dict.fromkeys(members, members))

    for function in list(edges):
        if function not in index:
            visit(function)
    return found
