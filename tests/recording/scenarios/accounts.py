"""Keys of machines, customers as the office sees them, and what a customer decides."""

from tests.recording.scenarios.shop import LONDON, Shop, bearer


def keys(shop: Shop) -> None:
    r, office = shop.recorder, shop.office
    made = r.post("/v1/keys", office, {"role": "till", "stores": [LONDON], "terminal": "T9"})
    r.post("/v1/keys", office, {"role": "till", "stores": [LONDON]})
    r.post("/v1/keys", office, {"role": "associate"})
    r.post("/v1/keys", office, {"role": "associate", "stores": ["nowhere"]})
    r.post("/v1/keys", office, {"role": "customer"})
    r.post("/v1/keys", office, {"role": "office", "scopes": ["everything"]})
    narrow = r.post("/v1/keys", office, {"role": "office", "scopes": ["reports"]}, key="key-1")
    r.post("/v1/keys", office, {"role": "office", "scopes": ["reports"]}, key="key-1")
    r.post("/v1/keys", office, {"role": "office", "scopes": ["stock"]}, key="key-1")
    r.get("/v1/customers", bearer("office for reports", narrow.json()["key"]))
    first = r.get("/v1/keys", office, query={"limit": 3}).json()
    r.get("/v1/keys", office, query={"limit": 3, "cursor": first["next_cursor"]})
    r.get("/v1/keys", shop.till)
    r.delete("/v1/keys/{key_id}", office, key_id=made.json()["id"])
    r.delete("/v1/keys/{key_id}", office, key_id=made.json()["id"])
    r.delete("/v1/keys/{key_id}", office, key_id="key_none")
    r.get("/v1/stores", bearer("a revoked key", made.json()["key"]))


def customers(shop: Shop) -> None:
    r, office = shop.recorder, shop.office
    person = {
        "external_id": "rec-1",
        "name": "Recorded Customer",
        "email": "recorded@example.com",
        "phone": "+442079460299",
        "locale": "sv",
    }
    made = r.post("/v1/customers", office, person, key="customer-1").json()
    r.post("/v1/customers", office, person, key="customer-1")
    r.post("/v1/customers", office, person)
    r.post("/v1/customers", office, person | {"name": "Another Name"})
    r.post("/v1/customers", office, {"external_id": "rec-2", "name": "Guest", "member": False})
    r.post("/v1/customers", office, person | {"email": "no address", "phone": "12"})
    r.post("/v1/customers", office, {"external_id": "", "locale": "swedish"})
    r.get("/v1/customers", office, query={"external_id": "rec-1"})
    r.get("/v1/customers", office, query={"external_id": "none"})
    first = r.get("/v1/customers", office, query={"limit": 2}).json()
    r.get("/v1/customers", office, query={"limit": 2, "cursor": first["next_cursor"]})
    r.get("/v1/customers/{customer}", office, customer=made["id"])
    r.get("/v1/customers/{customer}", office, customer="cus_none")
    r.patch("/v1/customers/{customer}", office, {"name": "New Name"}, customer=made["id"])
    r.patch("/v1/customers/{customer}", office, {"phone": "12"}, customer=made["id"])
    r.patch("/v1/customers/{customer}", office, {"name": "X"}, customer="cus_none")
    shop.ids["rec-2"] = "rec-2"


def me(shop: Shop) -> None:
    r, ann = shop.recorder, shop.ann
    r.get("/v1/me", ann)
    r.patch("/v1/me", ann, {"locale": "nb"})
    r.patch("/v1/me", ann, {"locale": "en", "email": "wrong"})
    r.patch("/v1/me", ann, {"locale": "en"})
    _preferences(shop)
    _consents(shop)


def _preferences(shop: Shop) -> None:
    r, ann = shop.recorder, shop.ann
    r.get("/v1/me/preferences", ann)
    wanted = {
        "preferred_channels": ["whatsapp", "email"],
        "locale": "en",
        "time_zone": "Europe/London",
        "topics": ["kitchen"],
        "weekly_maximum": 3,
    }
    r.put("/v1/me/preferences", ann, wanted)
    r.put("/v1/me/preferences", ann, wanted | {"preferred_channels": ["pigeon"]})
    r.put("/v1/me/preferences", ann, wanted | {"time_zone": "Moon/Crater"})
    r.put("/v1/me/preferences", ann, wanted | {"quiet_hours": {"from": "25:00", "to": "08:00"}})
    r.get("/v1/me/preferences", ann)


def _consents(shop: Shop) -> None:
    r, ann = shop.recorder, shop.ann
    consent = {"purpose": "marketing", "channel": "email", "action": "granted"}
    r.post("/v1/me/consents", ann, consent | {"wording": "Yes, please.", "locale": "en"})
    r.post("/v1/me/consents", ann, consent | {"action": "withdrawn"})
    r.post("/v1/me/consents", ann, consent | {"action": "maybe"})
    r.post("/v1/me/consents", ann, consent | {"purpose": "service"})
    first = r.get("/v1/me/consents", ann, query={"limit": 1}).json()
    r.get("/v1/me/consents", ann, query={"cursor": first["next_cursor"]})
