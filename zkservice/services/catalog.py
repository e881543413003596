"""CatalogService: who issues what, under which keys, and who may ask. Each of its parts is a module."""

from zkproto.v1.catalog_pb2_grpc import CatalogServiceServicer
from zkservice.services.centre import Centre
from zkservice.services.export import Export
from zkservice.services.issuer_keys import IssuerKeys
from zkservice.services.items import Items
from zkservice.services.parties import Parties
from zkservice.services.schemas import Schemas


class CatalogService(Parties, Schemas, IssuerKeys, Items, Centre, Export, CatalogServiceServicer):
    """Reading is open to everybody; writing takes the administrator's token or the department's own."""
