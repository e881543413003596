"""OpenID for Verifiable Presentations and for Verifiable Credential Issuance, over the project's own forms.

What stands in this folder are the objects: queries, request objects, responses, metadata; they have no I/O.
`openid.app` answers over HTTP, `openid.wallet` asks over HTTP. docs/openid.md says which sections of the
specifications each part follows, and what is left out.
"""
