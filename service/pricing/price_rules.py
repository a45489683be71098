"""Price rules of the office: markets, promotions and shipping methods."""

from msgspec.structs import replace

from domain.pricing.price_rules import PriceRuleNotFound, PriceRuleVersionMismatch
from domain.pricing.promotions import Promotion, PromotionInUse
from service.foundation.ports import IdempotencyKey
from service.pricing.ports import Rule
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units


@retry_on_conflict
async def put_price_rule(
    units: Units, *, rule: Rule, if_version: int | None, key: IdempotencyKey | None
) -> Rule:
    """Replaces a price rule, or creates it; every cart is priced by it from now on.

    A repeat with the same content changes nothing.

    Raises:
        PriceRuleVersionMismatch: it is not the version that the caller decided on.
        CodeTaken: another promotion has the code.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, type(rule)):
            return first
        rules = unit.pricing.price_rules(type(rule))
        before = await rules.lock(rule.name)
        _must_be(if_version, before)
        told = _as_after(rule, before)
        if told != before:
            told = replace(told, version=before.version + 1 if before else 1)
            await rules.upsert(told)
        await unit.foundation.idempotency.save_answer(key, told)
    return told


@retry_on_conflict
async def delete_price_rule(
    units: Units, kind: type[Rule], name: str, *, thing: str, if_version: int | None
) -> None:
    """Deletes a price rule. Orders keep the price that they were placed with.

    Raises:
        PriceRuleNotFound, PriceRuleVersionMismatch
        PromotionInUse: active orders use it.
    """
    async with units.begin() as unit:
        rules = unit.pricing.price_rules(kind)
        before = await rules.lock(name)
        if before is None:
            raise PriceRuleNotFound(thing, name)
        _must_be(if_version, before)
        if isinstance(before, Promotion) and before.uses:
            raise PromotionInUse(before)
        await rules.delete(before)


def _must_be(if_version: int | None, before: Rule | None) -> None:
    version = before.version if before else 0
    if if_version not in {None, version}:
        raise PriceRuleVersionMismatch(version)


def _as_after(rule: Rule, before: Rule | None) -> Rule:
    """Returns the new rule, with the fields that the office does not set as they were."""
    if before is None:
        return rule
    if isinstance(rule, Promotion) and isinstance(before, Promotion):
        rule = replace(rule, uses=before.uses)
    return replace(rule, version=before.version)
