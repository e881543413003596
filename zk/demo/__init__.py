"""The demo: the whole main job on a real server, and what must fail failing.

`story.run_demo` plays it and returns a DemoResult, `show.tables` prints that. Forgeries are made in `rogue`.
"""

from zk.demo.result import DemoResult
from zk.demo.story import run_demo

__all__ = ["DemoResult", "run_demo"]
