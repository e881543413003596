"""The pages' edge: one application over HTTP that hands pages out and their calls on to the service.

A page speaks the same contract as every other client, as gRPC-Web; the bridge passes octets on and reads
none of them. What a page may call is a table (`web_edge.methods`). It holds no state and no secret of the
service's; docs/web.md says what it lets pass and why.
"""

from web_edge.app import Edge, edge_app, serving
from web_edge.pages import Pages, PagesError

__all__ = ["Edge", "Pages", "PagesError", "edge_app", "serving"]
