"""Sending unasked: an owner picks a recipient and sends chosen data to it, as one would send money.

A card says where a recipient receives. The question is made by the sender's vault and says of itself that
nobody asked it. What is sent is one presentation of that question, sealed to the card's key.
"""

from disclosure.delivery.card import ReceivingCard, ReceivingKey, SignedCard
from disclosure.delivery.question import (
    DELIVERY_LIFE,
    MAX_MESSAGE_OCTETS,
    PURPOSE,
    QUESTION_LIFE,
    UnaskedQuestion,
)
from disclosure.delivery.sealing import SEALED_SIZES, OpenedDelivery, open_delivery, seal_delivery
from disclosure.delivery.sending import Sending, check_sending

__all__ = [
    "DELIVERY_LIFE",
    "MAX_MESSAGE_OCTETS",
    "PURPOSE",
    "QUESTION_LIFE",
    "SEALED_SIZES",
    "OpenedDelivery",
    "ReceivingCard",
    "ReceivingKey",
    "Sending",
    "SignedCard",
    "UnaskedQuestion",
    "check_sending",
    "open_delivery",
    "seal_delivery",
]
