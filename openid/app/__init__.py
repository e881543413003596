"""OpenID over HTTP: what verifiers and departments answer wallets and browsers with. ASGI, on Starlette."""
