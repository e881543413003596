"""The profile of Hypothesis for runs under valgrind, where everything takes some fifty times as long."""

from hypothesis import settings

settings.register_profile("valgrind", max_examples=2, deadline=None, derandomize=True)
