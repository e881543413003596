"""The holder's side: one answer to a keyed request."""

import datetime as dt
from collections.abc import Mapping

from bbs import InputError
from bbs.engine import Values, prove
from disclosure.composite.query import ExpiryShown, ValidOn
from disclosure.credential import civil_date
from disclosure.errors import Reason, RefusedError
from disclosure.keyed.compiler import compile_keyed
from disclosure.keyed.credential import KeyedHolding
from disclosure.keyed.keys import CheckKeys
from disclosure.keyed.presentation import KeyedPresentation
from disclosure.keyed.request import KeyedQuery, KeyedRequest, Schemas
from disclosure.presentation import Shown


def present_keyed(
    request: KeyedRequest,
    holdings: Mapping[str, KeyedHolding],
    keys: CheckKeys,
    schemas: Schemas,
    now: dt.datetime,
) -> KeyedPresentation:
    """Answer with a credential for each query, by the queries' identifiers. `keys` are the pinned ones.

    Raises RefusedError UNSATISFIED with the place of what these credentials do not satisfy, and what
    `compile_keyed` does.
    """
    shown = tuple(
        _shown(query, holdings, keys, now, f"queries[{index}]") for index, query in enumerate(request.queries)
    )
    compiled = compile_keyed(request, shown, keys, schemas, keys.suite, now)
    values, place = Values(compiled.statement), ""
    held = {query: each.credential for query, each in holdings.items()}
    try:
        for part in compiled.parts:
            place = part.place
            part.assign(values, held)
        place = "queries"  # each part is true by itself: it is that they fit together that is not
        proof = prove(compiled.statement, compiled.context, values)
    except InputError:
        detail = "the credentials do not satisfy this"
        raise RefusedError(Reason.UNSATISFIED, detail, field=place) from None
    return KeyedPresentation(request.digest, shown, proof)


def _shown(
    query: KeyedQuery, holdings: Mapping[str, KeyedHolding], keys: CheckKeys, now: dt.datetime, place: str
) -> Shown:
    holding = holdings.get(query.id)
    if holding is None or holding.schema != query.schema:
        raise RefusedError(Reason.UNSATISFIED, "there is no credential of the schema", field=place)
    first_day = query.expiry.day if isinstance(query.expiry, ValidOn) else civil_date(now)
    if holding.expiry < first_day:
        raise RefusedError(Reason.UNSATISFIED, "the credential has expired", field=place)
    values = {name: holding.values.get(name) for name in query.shown}
    expiry = holding.expiry if isinstance(query.expiry, ExpiryShown) else None
    return Shown(query.id, holding.schema, keys.name, values, expiry)
