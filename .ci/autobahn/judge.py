"""What a report of the suite is worth: how many cases passed, and why each other one did not. Reads reports only; running
the suite is in `run`."""

import copy
import json

# Cases in the groups that are run: all that there are.
ALL = 517

# INFORMATIONAL cases have no right outcome. NON-STRICT is not among these: the specification asks for more.
GOOD = ("OK", "INFORMATIONAL")


def judge(index, agent, expected=ALL):
    """Takes a parsed index.json; returns how many cases passed and a line for each failure. A case that is missing from
    the report is a failure like any other, and so is one that should not be there."""
    cases = index.get(agent, {})
    failures = []
    for name in sorted(cases, key=lambda name: [int(part) for part in name.split(".")]):
        case = cases[name]
        bad = [f"{key} {case.get(key)}" for key in ("behavior", "behaviorClose") if case.get(key) not in GOOD]
        if bad:
            failures.append(f"case {name}: {', '.join(bad)} (see {case.get('reportfile')})")
    passed = len(cases) - len(failures)
    failures += ["a case is missing from the report"] * max(0, expected - len(cases))
    failures += ["a case is in the report that was not asked for"] * max(0, len(cases) - expected)
    return passed, failures


def load(path):
    """The report, or an empty one if the suite wrote none: it says nothing about why."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def self_test():
    """Judges doctored reports: each has to fail for what was done to it, and by as much. Returns a line for each check
    that did not come out."""
    good = {"us": {f"1.1.{n}": {"behavior": "OK", "behaviorClose": "OK", "reportfile": "f"} for n in range(1, 8)}}
    good["us"]["1.1.3"]["behavior"] = "INFORMATIONAL"
    good["us"]["1.1.3"]["behaviorClose"] = "INFORMATIONAL"

    def doctored(change):
        index = copy.deepcopy(good)
        change(index["us"])
        return index

    def put(key, value):
        return doctored(lambda cases: cases["1.1.2"].update({key: value}))

    checks = [
        ("a good report", good, (7, 0)),
        ("no report", {}, (0, 7)),
        ("a report about somebody else", {"them": good["us"]}, (0, 7)),
        ("a missing case", doctored(lambda cases: cases.pop("1.1.7")), (6, 1)),
        ("a case too many", doctored(lambda cases: cases.update({"12.1.19": cases["1.1.1"]})), (8, 1)),
        ("a missing verdict", doctored(lambda cases: cases["1.1.2"].pop("behaviorClose")), (6, 1)),
        ("both verdicts bad", doctored(lambda cases: cases["1.1.2"].update(behavior="FAILED", behaviorClose="FAILED")), (6, 1)),
    ]
    for verdict in ("FAILED", "NON-STRICT", "UNIMPLEMENTED"):
        checks.append((f"behavior {verdict}", put("behavior", verdict), (6, 1)))
    for verdict in ("FAILED", "WRONG CODE", "UNCLEAN", "FAILED BY CLIENT", "NON-STRICT"):
        checks.append((f"behaviorClose {verdict}", put("behaviorClose", verdict), (6, 1)))

    wrong = []
    for what, index, wanted in checks:
        passed, failures = judge(index, "us", expected=7)
        if (passed, len(failures)) != wanted:
            wrong.append(f"{what}: {passed} passed, {len(failures)} failed; should be {wanted}")
    return len(checks), wrong
