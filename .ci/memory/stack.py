"""The deepest that the stack gets, by the sizes of frames and the graph of calls."""

import functools
import re
import sys

from graph import Graph
from origin import LIBRARIES, comes_back, package

sys.setrecursionlimit(100_000)


class Depths:
    """Depths in one image. What follows the beginning of a panic is left out: it ends the program."""

    def __init__(self, image, graph=None):
        self.image = image
        self.graph = graph or Graph(image)
        self.frames = frames_of(image)
        self.disagreeing = [f for f, size in image.stack_sizes.items() if f in image.names and moved(image)[f] != size]
        self.edges, self.called_back = self._edges()
        self.cycles = circles(self.edges)
        self.ours = self._ours()

    def deepest(self, function, ours=False, back=True):
        """Bytes, and the functions that take them. `ours`: of frames with code of ours alone. Without `back`: until it leaves
        for the network stack. Functions that call each other in a circle count once each."""
        weigh = (lambda f: self.frames[f] if f in self.ours else 0) if ours else self.frames.__getitem__
        memo = {}

        def walk(function):
            members = self.cycles.get(function, (function,))
            if members in memo:
                return memo[members]
            best = (0, ())
            for member in members:
                for callee, is_back in self.edges.get(member, {}).items():
                    if callee not in members and (back or not is_back):
                        best = max(best, walk(callee), key=lambda found: found[0])
            memo[members] = (sum(map(weigh, members)) + best[0], members + best[1])
            return memo[members]

        return walk(function)

    def reachable(self, function):
        found, todo = set(), [function]
        while todo:
            member = todo.pop()
            if member not in found:
                found.add(member)
                todo.extend(self.edges.get(member, ()))
        return found

    def _edges(self):
        """Of each function what it calls, and whether only from within what the network stack was handed."""
        edges, called_back = {}, set()
        for caller, callees in self.graph.calls.items():
            if self.graph.is_panic(caller):
                continue
            for callee, sites in callees.items():
                if self.graph.is_panic(callee):
                    continue
                is_back = all(comes_back(self.image.frames.get(site, ())) for site in sites)
                edges.setdefault(caller, {})[callee] = is_back
                if is_back:
                    called_back.add(callee)
        return edges, called_back

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
