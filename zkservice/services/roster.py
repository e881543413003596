"""The services that a server has, each with what registers it: added here, served everywhere."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from zkproto.v1 import (
    account_pb2,
    account_pb2_grpc,
    administration_pb2,
    administration_pb2_grpc,
    application_pb2,
    application_pb2_grpc,
    appointment_pb2,
    appointment_pb2_grpc,
    catalog_pb2,
    catalog_pb2_grpc,
    consent_pb2,
    consent_pb2_grpc,
    delivery_pb2,
    delivery_pb2_grpc,
    errand_pb2,
    errand_pb2_grpc,
    issuance_pb2,
    issuance_pb2_grpc,
    ledger_pb2,
    ledger_pb2_grpc,
    operation_pb2,
    operation_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    presentation_pb2,
    presentation_pb2_grpc,
    publication_pb2,
    publication_pb2_grpc,
    record_pb2,
    record_pb2_grpc,
    revocation_pb2,
    revocation_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    statistics_pb2,
    statistics_pb2_grpc,
    token_pb2,
    token_pb2_grpc,
)
from zkservice.context import Context
from zkservice.services.account import AccountService
from zkservice.services.administration import AdministrationService
from zkservice.services.applications import ApplicationService
from zkservice.services.appointments import AppointmentService
from zkservice.services.catalog import CatalogService
from zkservice.services.consents import ConsentService
from zkservice.services.deliveries import DeliveryService
from zkservice.services.errands import ErrandService
from zkservice.services.issuance import IssuanceService
from zkservice.services.ledger import LedgerService
from zkservice.services.operation import OperationService
from zkservice.services.policies import PolicyService
from zkservice.services.presentation import PresentationService
from zkservice.services.publication import PublicationService
from zkservice.services.records import RecordService
from zkservice.services.revocation import RevocationService
from zkservice.services.session import SessionService
from zkservice.services.statistics import StatisticsService
from zkservice.services.token import TokenService
from zkservice.two_persons import guarded

_ALL: Final[tuple[tuple[Any, Any, type[Any]], ...]] = (
    (account_pb2, account_pb2_grpc, AccountService),
    (administration_pb2, administration_pb2_grpc, AdministrationService),
    (application_pb2, application_pb2_grpc, ApplicationService),
    (appointment_pb2, appointment_pb2_grpc, AppointmentService),
    (catalog_pb2, catalog_pb2_grpc, CatalogService),
    (consent_pb2, consent_pb2_grpc, ConsentService),
    (delivery_pb2, delivery_pb2_grpc, DeliveryService),
    (errand_pb2, errand_pb2_grpc, ErrandService),
    (issuance_pb2, issuance_pb2_grpc, IssuanceService),
    (ledger_pb2, ledger_pb2_grpc, LedgerService),
    (operation_pb2, operation_pb2_grpc, OperationService),
    (policy_pb2, policy_pb2_grpc, PolicyService),
    (presentation_pb2, presentation_pb2_grpc, PresentationService),
    (publication_pb2, publication_pb2_grpc, PublicationService),
    (record_pb2, record_pb2_grpc, RecordService),
    (revocation_pb2, revocation_pb2_grpc, RevocationService),
    (session_pb2, session_pb2_grpc, SessionService),
    (statistics_pb2, statistics_pb2_grpc, StatisticsService),
    (token_pb2, token_pb2_grpc, TokenService),
)
"""A servicer's class has its service's name."""
_REVOKING: Final = {ApplicationService, AppointmentService, IssuanceService, RecordService}
"""Those that leave credentials to be revoked."""

DESCRIPTORS: Final = tuple(
    messages.DESCRIPTOR.services_by_name[servicer.__name__] for messages, _, servicer in _ALL
)
NAMES: Final = tuple(each.full_name for each in DESCRIPTORS)
_OTHERS: Final = (
    health_pb2.DESCRIPTOR.services_by_name["Health"],
    reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
)
METHODS: Final = tuple(
    f"/{service.full_name}/{method.name}"
    for service in (*DESCRIPTORS, *_OTHERS)
    for method in service.methods
)
"""Whatever can be called, health and reflection too, by its path: `/package.Service/Method`."""


def register(server: grpc.aio.Server, context: Context, lists: RevocationService) -> None:
    """Register every service with a server. `lists` runs in the background too, so it is there already."""
    for (add, servicer), service in zip(_servicers(context, lists), DESCRIPTORS, strict=True):
        add(guarded(servicer, service, context), server)


def _servicers(
    context: Context, lists: RevocationService
) -> Iterator[tuple[Callable[[Any, grpc.aio.Server], None], Any]]:
    for _, stubs, kind in _ALL:
        add = getattr(stubs, f"add_{kind.__name__}Servicer_to_server")
        if kind is RevocationService:
            yield add, lists
        elif kind in _REVOKING:
            yield add, kind(context, lists.revoke_due)
        else:
            yield add, kind(context)
