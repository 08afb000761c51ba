"""Which cases of the suite there are, as far as they are run, and how to name some: `1-7,10,9.7,9.1.2`. Counted here and
not taken from the suite's report, so that a case that it leaves out is missed."""

SYNTAX = "groups, parts of the groups 9, 12 and 13, and cases, such as 1-7,10,9.7,9.1.2"

GROUPS = {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126}
PARTS = {"9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6, "9.8": 6}
PARTS |= {f"12.{part}": 18 for part in range(1, 6)} | {f"13.{part}": 18 for part in range(1, 8)}


def parse(text):
    """The suite's patterns, and how many cases they are."""
    counts = {}
    for item in text.split(","):
        counts.update(counted(item))
    patterns = list(counts)
    for pattern in patterns:
        if any(other != pattern and pattern.startswith(other.rstrip("*")) for other in patterns if other.endswith("*")):
            raise ValueError(f"{pattern} is asked for twice in {text}")
    return patterns, sum(counts.values())


def counted(item):
    first, _, last = item.partition("-")
    if first.isdigit() and (last or first).isdigit():
        groups = range(int(first), int(last or first) + 1)
        if groups and set(groups) <= GROUPS.keys():
            return {f"{group}.*": GROUPS[group] for group in groups}
    elif item in PARTS:
        return {f"{item}.*": PARTS[item]}
    elif item.count(".") == 2 and item.replace(".", "").isdigit():
        part, _, number = item.rpartition(".")
        if int(item.split(".")[0]) in GROUPS and 0 < int(number) <= PARTS.get(part, 99):
            return {item: 1}
    raise ValueError(f"no cases {item!r}; there are {SYNTAX}")
