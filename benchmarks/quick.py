"""The figures that the project promises, in two minutes: `zk bench` under the name that it has in a clone.

`python -m benchmarks.quick [--only PART] [--json]`, PART one of scheme, composite, parallel, service, flow;
exit 0 if every row holds, 8 if one misses.
"""

import sys

from zk.cli import main

if __name__ == "__main__":
    main(["bench", *sys.argv[1:]])
