"""The pages' edge: what it lets pass, over a real service and as real HTTP."""
