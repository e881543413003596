"""The services that a server has, each with what registers it: added here, served everywhere."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc

from zkproto.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    issuance_pb2,
    issuance_pb2_grpc,
    ledger_pb2,
    ledger_pb2_grpc,
    presentation_pb2,
    presentation_pb2_grpc,
    publication_pb2,
    publication_pb2_grpc,
    revocation_pb2,
    revocation_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
)
from zkservice.context import Context
from zkservice.services.catalog import CatalogService
from zkservice.services.issuance import IssuanceService
from zkservice.services.ledger import LedgerService
from zkservice.services.presentation import PresentationService
from zkservice.services.publication import PublicationService
from zkservice.services.revocation import RevocationService
from zkservice.services.session import SessionService

_ALL: Final[tuple[tuple[Any, Any, type[Any]], ...]] = (
    (catalog_pb2, catalog_pb2_grpc, CatalogService),
    (issuance_pb2, issuance_pb2_grpc, IssuanceService),
    (ledger_pb2, ledger_pb2_grpc, LedgerService),
    (presentation_pb2, presentation_pb2_grpc, PresentationService),
    (publication_pb2, publication_pb2_grpc, PublicationService),
    (revocation_pb2, revocation_pb2_grpc, RevocationService),
    (session_pb2, session_pb2_grpc, SessionService),
)
"""A servicer's class has its service's name."""

DESCRIPTORS: Final = tuple(
    messages.DESCRIPTOR.services_by_name[servicer.__name__] for messages, _, servicer in _ALL
)
NAMES: Final = tuple(each.full_name for each in DESCRIPTORS)


def register(server: grpc.aio.Server, context: Context, lists: RevocationService) -> None:
    """Register every service with a server. `lists` runs in the background too, so it is there already."""
    for add, servicer in _servicers(context, lists):
        add(servicer, server)


def _servicers(
    context: Context, lists: RevocationService
) -> Iterator[tuple[Callable[[Any, grpc.aio.Server], None], Any]]:
    for _, stubs, kind in _ALL:
        add = getattr(stubs, f"add_{kind.__name__}Servicer_to_server")
        if kind is RevocationService:
            yield add, lists
        elif kind is IssuanceService:
            yield add, kind(context, lists.revoke_due)
        else:
            yield add, kind(context)
