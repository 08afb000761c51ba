"""The suite with fewer messages in groups 12 and 13: `fewer.py OCTETS` and what `wstest` takes. Each of their cases sends
1,000 messages, up to 131 MB in all, and gives its peer 1 to 8 minutes for it; here only as many as are OCTETS in all, but two
at least, of which the second may refer to the first. Python 2.7, as the suite."""

import sys

from autobahntestsuite.case import Cases
from autobahntestsuite.wstest import run

octets = int(sys.argv.pop(1))
for case in Cases:
    if case.__name__.startswith(("Case12_", "Case13_")):
        count = min(case.COUNT, max(2, octets // case.LEN))
        case.DESCRIPTION = case.DESCRIPTION.replace("Send %d " % case.COUNT, "Send %d " % count)
        case.COUNT = count
sys.exit(run())
