"""A wallet's way over HTTP to edges that it has never heard of: fetching, posting, and the flows of both
specifications. What is proven, and what the person is asked, is the vault's business."""
