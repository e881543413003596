"""The bill of materials, CycloneDX 1.6 in JSON: what is installed, and what the native wheel is built of."""

import datetime as dt
import json
import uuid
from collections.abc import Iterable
from typing import Any, Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

_SPACE: Final = uuid.UUID("6f6c0f0e-5f2e-5a55-8b0e-6f2d7a0f3c11")


def component(kind: str, name: str, version: str, licence: str, sha256: Iterable[str]) -> Component:
    """Return one package: `kind` is pypi or cargo, `sha256` are the hashes of its files in hexadecimal.

    A Python package has a hash for each of its files, whichever of them a machine takes.
    """
    url = PackageURL(kind, None, name, version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=str(url),
        purl=url,
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in sha256],
    )


def bill(
    product: str, version: str, components: dict[Component, list[str]], moment: dt.datetime
) -> dict[str, Any]:
    """Return the document: components with the names of what each depends on, `product` above all.

    It is the same for the same content and moment: its serial number is made of both.
    """
    root = Component(
        type=ComponentType.APPLICATION,
        name=product,
        version=version,
        bom_ref=product,
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
    )
    bom = Bom(components=components)
    bom.metadata.component, bom.metadata.timestamp = root, moment
    by_name = {str(each.purl).split("@")[0]: each for each in components}
    bom.register_dependency(root, components)
    for each, needs in components.items():
        bom.register_dependency(each, [by_name[name] for name in needs if name in by_name])
    content = sorted(str(each.purl) for each in components)
    bom.serial_number = uuid.uuid5(_SPACE, json.dumps([product, version, content, moment.isoformat()]))
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    document: dict[str, Any] = json.loads(text)
    return document
